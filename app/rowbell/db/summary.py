"""The few numbers at the top of the operations page."""

from dataclasses import dataclass
from datetime import datetime

from rowbell.db.pool import Database

_SUMMARY = """
select clock_timestamp() as at,
  (select jsonb_object_agg(s.status, s.tasks) from (
    select t.status, greatest(sum(t.tasks), 0)::bigint as tasks
    from rowbell.totals t group by t.status) s)::text as counts,
  count(w.id) as workers, coalesce(sum(w.slots), 0)::bigint as slots,
  coalesce(sum(w.busy), 0)::bigint as busy
from rowbell.workers w
where w.lost_at is null and w.stopped_at is null and w.beat_at + w.lease >= now()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`counts`: tasks by status, as JSON."""

    at: datetime
    counts: str | None
    workers: int
    slots: int
    busy: int


async def summary(database: Database) -> Summary:
    """Raises Unavailable."""
    async with database.pooled() as connection:
        return Summary(**await connection.fetchrow(_SUMMARY))
