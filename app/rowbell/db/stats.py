"""Counts of what happened, read from what the fold has counted: never from the tasks."""

from dataclasses import dataclass
from datetime import timedelta

from rowbell.db.pool import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """`counts[n]` values lie below `bounds[n]` seconds; the last count has no bound."""

    bounds: list[float]
    counts: list[int]

    def percentile(self, share: float) -> float:
        """The value that so many are below, as far as the buckets tell it."""
        wanted = share * sum(self.counts)
        below = 0
        for number, count in enumerate(self.counts):
            if count and below + count >= wanted:
                low = self.bounds[number - 1] if number else 0.0
                high = self.bounds[min(number, len(self.bounds) - 1)]
                return low + (high - low) * (wanted - below) / count
            below += count
        return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    window: timedelta
    pending: int
    processing: int
    created: int
    started: int
    completed: int
    failed: int
    cancelled: int
    retried: int
    lost: int
    waits: Histogram
    runs: Histogram


_STATS = """
with chosen as materialized (
  select * from rowbell.minutes m
  where m.minute > now() - $1::interval and ($2::text is null or m.queue = $2)
    and ($3::text is null or m.kind = $3)),
open as (
  select coalesce(sum(t.tasks) filter (where t.status = 'PENDING'), 0)::bigint as pending,
    coalesce(sum(t.tasks) filter (where t.status = 'PROCESSING'), 0)::bigint as processing
  from rowbell.totals t
  where ($2::text is null or t.queue = $2) and ($3::text is null or t.kind = $3))
select open.pending, open.processing, s.*, rowbell.histogram_bounds() as bounds,
  array(select sum(u.n)::bigint from chosen c, unnest(c.waits) with ordinality u (n, place)
        group by u.place order by u.place) as waits,
  array(select sum(u.n)::bigint from chosen c, unnest(c.runs) with ordinality u (n, place)
        group by u.place order by u.place) as runs
from open, (
  select coalesce(sum(created), 0)::bigint as created, coalesce(sum(started), 0)::bigint as started,
    coalesce(sum(completed), 0)::bigint as completed, coalesce(sum(failed), 0)::bigint as failed,
    coalesce(sum(cancelled), 0)::bigint as cancelled,
    coalesce(sum(retried), 0)::bigint as retried, coalesce(sum(lost), 0)::bigint as lost
  from chosen) s
"""


async def stats(
    database: Database, *, window: timedelta, queue: str | None = None, kind: str | None = None
) -> Stats:
    """Raises Unavailable."""
    async with database.pooled() as connection:
        values = dict(await connection.fetchrow(_STATS, window, queue, kind))
    bounds = values.pop("bounds")
    for name in ("waits", "runs"):
        values[name] = Histogram(bounds=bounds, counts=values[name])
    return Stats(window=window, **values)
