"""Errors by fingerprint, from what the fold has counted; tasks are not read."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rowbell.db.pool import Database

TREND = 24
MOST_FAILED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFilter:
    """None means any. `window`: in whole hours."""

    fingerprint: list[str] | None = None
    kind: list[str] | None = None
    queue: list[str] | None = None
    window: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorGroup:
    """Errors that share a fingerprint. `trend`: failures in each 24th of the window."""

    fingerprint: str
    kind: str
    error_type: str
    title: str
    count: int
    first_seen_at: datetime
    last_seen_at: datetime
    trend: list[int]
    queues: list[str]
    message: str
    traceback: str | None
    last_task_id: int | None
    failed_now: int


_GROUPS = """
with chosen as materialized (
  select h.*, least($6::integer, 1 + floor($6::integer * extract(epoch from h.hour - since.at)
    / greatest(extract(epoch from now() - since.at), 3600))::integer) as place
  from rowbell.error_hours h, (select date_trunc('hour', now() - $4::interval) as at) since
  where h.hour >= since.at and ($1::text[] is null or h.fingerprint = any ($1))
    and ($2::text[] is null or h.kind = any ($2)) and ($3::text[] is null or h.queue = any ($3))),
groups as (
  select c.fingerprint, min(c.kind) as kind, min(c.error_type) as error_type,
    sum(c.failures)::bigint as count, min(c.first_at) as first_seen_at,
    max(c.last_at) as last_seen_at, array_agg(distinct c.queue) as queues,
    (array_agg(c.last_task order by c.last_at desc))[1] as last_task_id,
    (array_agg(c.last_attempt order by c.last_at desc))[1] as last_attempt
  from chosen c group by c.fingerprint order by max(c.last_at) desc limit $5)
select g.fingerprint, g.kind, g.error_type, g.count, g.first_seen_at, g.last_seen_at, g.queues,
  coalesce(rowbell.without_particulars(a.error ->> 'message'), '') as title,
  coalesce(a.error ->> 'message', '') as message, nullif(a.error ->> 'traceback', '') as traceback,
  g.last_task_id,
  array(select coalesce(sum(c.failures), 0)::bigint from generate_series(1, $6::integer) p
    left join chosen c on c.place = p and c.fingerprint = g.fingerprint group by p order by p)
    as trend,
  (select count(*) from (
    select from rowbell.tasks t where t.status = 'FAILED'
      and t.error ->> 'fingerprint' = g.fingerprint limit $7) l) as failed_now
from groups g
left join rowbell.attempts a on a.task_id = g.last_task_id and a.attempt = g.last_attempt
order by g.last_seen_at desc, g.fingerprint
"""


async def error_groups(database: Database, wanted: ErrorFilter, *, most: int) -> list[ErrorGroup]:
    """Those that failed last, first. Raises Unavailable."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            _GROUPS,
            wanted.fingerprint,
            wanted.kind,
            wanted.queue,
            wanted.window,
            most,
            TREND,
            MOST_FAILED,
        )
    return [ErrorGroup(**row) for row in rows]
