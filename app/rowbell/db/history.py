"""What happened minute by minute, from what the fold has counted: it survives restarts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rowbell.db.pool import Database
from rowbell.db.stats import Histogram

POINTS = 300
"""Of one history at the most: longer windows have longer steps."""
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1_440)
BUCKETS = 20
"""Elements of a histogram: one more than rowbell.histogram_bounds() has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A minute, or several."""

    at: datetime
    seconds: int
    created: int
    started: int
    completed: int
    failed: int
    cancelled: int
    retried: int
    lost: int
    waits: Histogram
    runs: Histogram


def _sums(column: str) -> str:
    # Column by column: unnesting arrays of a week of minutes would take seconds.
    parts = (f"coalesce(sum({column}[{place}]), 0)::bigint" for place in range(1, BUCKETS + 1))
    return f"array[{', '.join(parts)}]"


_COUNTS = ("created", "started", "completed", "failed", "cancelled", "retried", "lost")
_HISTORY = f"""
select date_bin($1, m.minute, '2000-01-01+00') as at,
  {", ".join(f"sum(m.{name})::bigint as {name}" for name in _COUNTS)},
  {_sums("m.waits")} as waits, {_sums("m.runs")} as runs, rowbell.histogram_bounds() as bounds
from rowbell.minutes m
where m.minute >= date_bin($1, now() - $2::interval, '2000-01-01+00')
  and ($3::text is null or m.queue = $3) and ($4::text is null or m.kind = $4)
  and ($5::timestamptz is null or m.minute >= $5)
group by 1 order by 1
"""  # noqa: S608


def step_of(window: timedelta) -> timedelta:
    """The length of a step, so that the window has no more than POINTS of them."""
    minutes = window.total_seconds() / 60
    fitting = (step for step in _STEPS if minutes / step <= POINTS)
    return timedelta(minutes=next(fitting, minutes // POINTS + 1))


async def history(
    database: Database,
    *,
    window: timedelta,
    queue: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
) -> list[Step]:
    """Steps in which something happened, oldest first; `since`: from there on.

    Raises Unavailable.
    """
    step = step_of(window)
    async with database.pooled() as connection:
        rows = await connection.fetch(_HISTORY, step, window, queue, kind, since)
    return [_as_step(row, int(step.total_seconds())) for row in rows]


def _as_step(row: Mapping[str, Any], seconds: int) -> Step:
    values = dict(row)
    bounds = values.pop("bounds")
    for name in ("waits", "runs"):
        values[name] = Histogram(bounds=bounds, counts=values[name])
    return Step(seconds=seconds, **values)
