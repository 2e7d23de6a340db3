"""Queues, kinds and their limits, as operators see them; nothing here counts tasks one by one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rowbell.db.pool import Database
from rowbell.db.tasks import as_subject
from rowbell.errors import NotFound

MOST_KEYS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLine:
    """One queue. Durations are seconds, rates a second."""

    name: str
    paused_at: datetime | None
    paused_by: str | None
    pending: int
    due: int
    scheduled: int
    held: int
    is_capped: bool
    """`due` and `scheduled` are at least so many: they were not counted to their end."""
    processing: int
    oldest_due_seconds: float | None
    max_running: int | None
    rate: float | None
    burst: int | None
    throughput: float
    kinds: list[str]
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KindLine:
    """One kind; as QueueLine."""

    name: str
    description: str
    max_attempts: int
    timeout: timedelta | None
    max_running: int | None
    max_running_per_key: int | None
    rate: float | None
    burst: int | None
    on_failed: str | None
    workers: int
    pending: int
    processing: int
    throughput: float
    last_started_at: datetime


# The running minute and the one before it: up to two minutes, and never less than one.
_RECENT = """
recent as materialized (
  select m.queue, m.kind, sum(m.completed) / extract(epoch from now() - min(since.at)) as throughput
  from rowbell.minutes m,
    (select date_trunc('minute', now()) - interval '1 minute' as at) since
  where m.minute >= since.at group by m.queue, m.kind),
open as materialized (
  select t.queue, t.kind, coalesce(sum(t.tasks) filter (where t.status = 'PENDING'), 0) as pending,
    coalesce(sum(t.tasks) filter (where t.status = 'PROCESSING'), 0) as processing
  from rowbell.totals t where t.status in ('PENDING', 'PROCESSING') and t.tasks > 0
  group by t.queue, t.kind),
live as materialized (
  select w.id, w.queues, w.kinds from rowbell.workers w
  where w.lost_at is null and w.stopped_at is null and w.beat_at + w.lease >= now())
"""

_QUEUES = f"""
with {_RECENT},
ready as materialized (
  select d.queue, sum(d.due)::bigint as due, sum(d.scheduled)::bigint as scheduled,
    bool_or(d.is_capped) as is_capped, bool_or(d.is_scheduled_capped) as is_scheduled_capped,
    array_agg(d.kind) as kinds,
    extract(epoch from now() - min(d.oldest_due_at)) as oldest_due_seconds
  from rowbell.queue_depths() d group by d.queue),
held as materialized (select h.queue, h.held from rowbell.held_counts() h),
seen as materialized (
  select o.queue, o.kind from open o union select r.queue, r.kind from recent r
  union select r.queue, unnest(r.kinds) from ready r),
names as (
  select queue as name from seen union select queue from held
  union select q.name from rowbell.queues q
    where num_nonnulls(q.paused_at, q.max_running, q.rate, q.burst) > 0
  union select u.queue from live l, unnest(l.queues) u (queue) where u.queue <> '*'
  union select unnest($1::text[]))
select n.name, q.paused_at, q.paused_by,
  greatest(coalesce(o.pending, 0), coalesce(r.due, 0) + coalesce(r.scheduled, 0)
    + coalesce(h.held, 0))::bigint as pending,
  -- Where one of the two was counted to its end, the total tells the other.
  case when r.is_capped and not r.is_scheduled_capped
    then greatest(r.due, o.pending::bigint - r.scheduled - coalesce(h.held, 0))
    else coalesce(r.due, 0) end as due,
  case when r.is_scheduled_capped and not r.is_capped
    then greatest(r.scheduled, o.pending::bigint - r.due - coalesce(h.held, 0))
    else coalesce(r.scheduled, 0) end as scheduled, coalesce(h.held, 0) as held,
  coalesce(r.is_capped and r.is_scheduled_capped, false) as is_capped,
  coalesce(o.processing, 0)::bigint as processing,
  r.oldest_due_seconds::float8, q.max_running, q.rate, q.burst,
  coalesce(c.throughput, 0)::float8 as throughput, k.kinds,
  (select count(*) from live l where l.queues && array['*', n.name]
    and (k.kinds = '{{}}' or l.kinds && k.kinds)) as workers
from names n
left join rowbell.queues q using (name)
left join ready r on r.queue = n.name
left join held h on h.queue = n.name
left join (select queue, sum(pending) as pending, sum(processing) as processing
           from open group by queue) o on o.queue = n.name
left join (select queue, sum(throughput) as throughput from recent group by queue) c
  on c.queue = n.name
cross join lateral (
  select coalesce(array_agg(distinct s.kind order by s.kind), '{{}}') as kinds
  from seen s where s.queue = n.name) k
order by n.name
"""  # noqa: S608

_KINDS = f"""
with {_RECENT}
select k.name, k.description, k.max_attempts, k.timeout, k.max_running, k.max_running_per_key,
  k.rate, k.burst, k.on_failed,
  (select count(*) from live l where k.name = any (l.kinds)) as workers,
  (select coalesce(sum(o.pending), 0)::bigint from open o where o.kind = k.name) as pending,
  (select coalesce(sum(o.processing), 0)::bigint from open o where o.kind = k.name) as processing,
  (select coalesce(sum(r.throughput), 0)::float8 from recent r where r.kind = k.name)
    as throughput,
  k.last_started_at
from (
  select k.* from rowbell.kinds k
  union all
  select (jsonb_populate_record(null::rowbell.kinds, jsonb_build_object('name', s.kind,
    'description', '', 'max_attempts', 5, 'last_started_at', '-infinity'))).*
  from (select distinct o.kind from open o) s
  where not exists (select from rowbell.kinds k where k.name = s.kind)) k
where $1::text is null or k.name = $1
order by k.name
"""  # noqa: S608


async def queues(database: Database, *also: str) -> list[QueueLine]:
    """Those that have something to show, and `also` these; by name. Raises Unavailable."""
    async with database.pooled() as connection:
        rows = await connection.fetch(_QUEUES, list(also))
    return [QueueLine(**row) for row in rows]


async def kinds(database: Database, name: str | None = None) -> list[KindLine]:
    """All, or the one of this name; by name. Raises Unavailable."""
    async with database.pooled() as connection:
        rows = await connection.fetch(_KINDS, name)
    return [KindLine(**row) for row in rows]


async def limit_queue(
    database: Database, name: str, limits: dict[str, Any], *, subject: str | None
) -> None:
    """`limits`: max_running, rate, burst; what is not there stays. Raises InvalidArgument."""
    query = _upsert("rowbell.queues", limits)
    await as_subject(database, subject, query, name, *limits.values())


async def limit_kind(
    database: Database, name: str, limits: dict[str, Any], *, subject: str | None
) -> None:
    """As `limit_queue`, and max_running_per_key. Raises NotFound, InvalidArgument."""
    changes = ", ".join(f"{column} = ${n}" for n, column in enumerate(limits, start=2))
    query = f"update rowbell.kinds set {changes} where name = $1 returning name"  # noqa: S608
    if not await as_subject(database, subject, query, name, *limits.values()):
        raise NotFound(
            f"no worker has ever registered the kind {name[:80]!r}.",
            hint="Check its spelling: kinds lists them.",
            field="name",
        )


async def limit_key(
    database: Database, key: str, max_running: int | None, *, subject: str | None
) -> None:
    """None: what its kind says. Raises InvalidArgument."""
    if max_running is None:
        await as_subject(database, subject, "delete from rowbell.keys where name = $1", key)
    else:
        query = _upsert("rowbell.keys", {"max_running": max_running})
        await as_subject(database, subject, query, key, max_running)


async def key_limits(database: Database) -> list[tuple[str, int]]:
    """Keys that have a limit of their own, by name. Raises Unavailable."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            "select name, max_running from rowbell.keys order by name limit $1", MOST_KEYS
        )
    return [tuple(row) for row in rows]


def _upsert(table: str, values: dict[str, Any]) -> str:
    names = ", ".join(["name", *values])
    places = ", ".join(f"${n}" for n in range(1, len(values) + 2))
    changes = ", ".join(f"{column} = excluded.{column}" for column in values)
    return (
        f"insert into {table} ({names}) values ({places})"  # noqa: S608
        f" on conflict (name) do update set {changes}"
    )
