"""How much waits and runs in the whole database, read from what was counted already."""

from collections import Counter
from dataclasses import dataclass

from rowbell.db.pool import Database
from rowbell.measures import OTHER

MOST_QUEUES = 50
"""That are told by their names; the others are one, `other`."""


@dataclass(frozen=True, slots=True)
class Gauges:
    """A state of the database, a few seconds old."""

    tasks: dict[tuple[str, str], int]
    """Open ones by (queue, status in lower case)."""
    oldest: dict[str, float]
    """Seconds that the oldest due task of a queue has waited."""
    workers: int
    """Live ones."""
    notify_usage: float
    """0 to 1: how full the server's queue of notifications is."""


_TASKS = """
select queue, lower(status::text), sum(tasks)::bigint from rowbell.totals
where status in ('PENDING', 'PROCESSING') and tasks > 0 group by 1, 2
"""
_OLDEST = """
select queue, max(extract(epoch from clock_timestamp() - due_since))::float8
from rowbell.waiting_queues(now()) group by queue
"""
_REST = """
select count(*), pg_notification_queue_usage() from rowbell.workers
where lost_at is null and stopped_at is null
"""


async def gauges(database: Database) -> Gauges:
    """Raises Unavailable."""
    async with database.pooled() as connection:
        tasks = await connection.fetch(_TASKS)
        oldest = await connection.fetch(_OLDEST)
        workers, usage = await connection.fetchrow(_REST)
    return Gauges(
        tasks={(row[0], row[1]): row[2] for row in tasks},
        oldest={row[0]: max(0.0, row[1] or 0.0) for row in oldest},
        workers=workers,
        notify_usage=float(usage),
    )


def bounded(tasks: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Queues beyond the largest ones are added up."""
    sizes: Counter[str] = Counter()
    for (queue, _), count in tasks.items():
        sizes[queue] += count
    named = {queue for queue, _ in sizes.most_common(MOST_QUEUES)}
    told: Counter[tuple[str, str]] = Counter()
    for (queue, status), count in tasks.items():
        told[queue if queue in named else OTHER, status] += count
    return dict(told)


def longest(oldest: dict[str, float]) -> dict[str, float]:
    """The queues that wait longest; of the others the longest."""
    ordered = sorted(oldest.items(), key=lambda each: -each[1])
    told = dict(ordered[:MOST_QUEUES])
    if len(ordered) > MOST_QUEUES:
        told[OTHER] = ordered[MOST_QUEUES][1]
    return told
