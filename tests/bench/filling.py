"""A database with as many tasks as it takes, as a week of work would have left them.

Eight kinds in nine queues, two hundred authors; nearly all COMPLETED, some FAILED and CANCELLED,
the newest PENDING (half of them due tomorrow) and a few that run. Triggers are off meanwhile: what
the fold counts is counted from the tasks, and the journal tells of the last hours alone.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from rowbell.db.migrate import migrate

from postgres import Server, embedded_binaries

CHUNK = 500_000
MOST_OPEN = 3_000
JOURNALED = 500_000

_TASKS = """
insert into rowbell.tasks (kind, queue, created_by, audience, payload, description, status, attempt,
  failures, created_at, run_at, started_at, finished_at, worker, result, error)
select (array['send_email', 'render_report', 'resize_image', 'charge_card', 'sync_customer',
    'export_rows', 'echo', 'http_request'])[1 + s.kind],
  case when s.hash % 10 = 0 then 'default' else 'queue_' || s.kind end,
  'author_' || s.hash % 200,
  case when s.hash % 50 = 7 then array['team_' || s.hash % 3] else '{}' end,
  jsonb_build_object('customer', n, 'template', 'letter_' || s.hash % 30, 'locale', 'de'),
  case when s.hash % 4 = 0 then 'Letter to customer ' || n end,
  s.status::rowbell.task_status,
  case when s.status = 'PENDING' then 0 else 1 end,
  case when s.status = 'FAILED' then 1 else 0 end,
  s.at,
  case when s.status = 'PENDING' and n % 4 = 0 then now() + interval '1 day' else s.at end,
  case when s.status in ('COMPLETED', 'FAILED', 'PROCESSING')
    then s.at + s.hash % 500 * interval '1 ms' end,
  case when s.status in ('COMPLETED', 'FAILED', 'CANCELLED')
    then s.at + (s.hash % 500 + s.hash % 9000) * interval '1 ms' end,
  case when s.status = 'PENDING' then null else $4::bigint end,
  case when s.status = 'COMPLETED' then jsonb_build_object('sent', true) end,
  case when s.status = 'FAILED' then jsonb_build_object('type', 'Error' || s.hash % 20,
    'message', 'customer ' || n || ' has moved',
    'fingerprint', md5((s.hash % 20)::text)::char(16)) end
from generate_series($1::bigint, $2) n
cross join lateral (select abs(hashint8(n)::bigint) as hash) h
cross join lateral (
  select h.hash, h.hash / 1000 % 8 as kind, now() - interval '7 days' * ($3 - n) / $3 as at,
    case when n > $3 - 2 * least($5, $3 / 20) and n % 2 = 0 then 'PENDING'
         when n > $3 - 100 and n % 5 = 1 then 'PROCESSING'
         when h.hash / 70000 % 200 = 3 then 'FAILED' when h.hash / 70000 % 300 = 4 then 'CANCELLED'
         else 'COMPLETED' end as status) s
"""

_WITH_TRIGGERS = """
do $$
declare
  name text;
begin
  for name in
    select t.tgname from pg_trigger t
    where t.tgrelid = 'rowbell.tasks'::regclass and not t.tgisinternal
  loop
    execute format('alter table rowbell.tasks enable always trigger %I', name);
  end loop;
end $$
"""

_FOLDED = """
insert into rowbell.audiences select a, t.created_at, t.id
from rowbell.tasks t, unnest(t.audience) a where t.audience <> '{}';

truncate rowbell.totals;
insert into rowbell.totals select queue, kind, status, count(*) from rowbell.tasks group by 1, 2, 3;

insert into rowbell.minutes
select date_trunc('minute', created_at), queue, kind, count(*), count(started_at),
  count(*) filter (where status = 'COMPLETED'), count(*) filter (where status = 'FAILED'),
  count(*) filter (where status = 'CANCELLED'), 0, 0,
  rowbell.count_buckets(array_agg(width_bucket(extract(epoch from started_at - run_at)::float8,
    rowbell.histogram_bounds())) filter (where started_at is not null),
    array_agg(1::bigint) filter (where started_at is not null)),
  rowbell.count_buckets(array_agg(width_bucket(extract(epoch from finished_at - started_at)::float8,
    rowbell.histogram_bounds())) filter (where started_at is not null and finished_at is not null),
    array_agg(1::bigint) filter (where started_at is not null and finished_at is not null))
from rowbell.tasks group by 1, 2, 3;

insert into rowbell.error_hours
select date_trunc('hour', finished_at), error ->> 'fingerprint', queue, min(kind),
  min(error ->> 'type'), count(*), min(finished_at), max(finished_at), max(id), 1
from rowbell.tasks where status = 'FAILED' group by 1, 2, 3;
"""

_JOURNAL = """
insert into rowbell.journal (at, task_id, worker, event, status_before, status, attempt, kind,
  queue, role, application, created_by, run_seconds)
select e.at, t.id, t.worker, e.event::rowbell.task_event, e.before::rowbell.task_status,
  e.status::rowbell.task_status, e.attempt, t.kind, t.queue, 'postgres', 'bench', t.created_by,
  case when e.status = t.status::text then extract(epoch from t.finished_at - t.started_at) end
from rowbell.tasks t cross join lateral (values
  (t.created_at, 'CREATED', null, 'PENDING', 0),
  (t.started_at, 'STARTED', 'PENDING', 'PROCESSING', 1),
  (t.finished_at, t.status::text, 'PROCESSING', t.status::text, 1))
  e (at, event, before, status, attempt)
where t.id > $1 and e.at is not null order by e.at
"""


async def fill(url: str, tasks: int) -> None:
    """Fill a migrated, empty database."""
    connection = await asyncpg.connect(url, command_timeout=3_600)
    try:
        worker = await connection.fetchval(
            "select rowbell.register_worker('bench', 1, '0', '{*}', 10, 86400, '[]')"
        )
        await connection.execute("alter table rowbell.tasks disable trigger user")
        for first in range(1, tasks + 1, CHUNK):
            last = min(first + CHUNK - 1, tasks)
            await connection.execute(_TASKS, first, last, tasks, worker, MOST_OPEN)
        await connection.execute(_WITH_TRIGGERS)
        await connection.execute(_FOLDED)
        await connection.execute(
            "select rowbell.make_journal_partitions(10, now() - interval '8 days')"
        )
        await connection.execute(_JOURNAL, tasks - JOURNALED)
        await connection.execute(
            "update rowbell.journal_state set fold_cursor = pg_current_snapshot()"
        )
        await connection.execute("vacuum (analyze)")
    finally:
        await connection.close()


@contextmanager
def filled(*sizes: int) -> Iterator[dict[int, str]]:
    """A server of its own with a database of each size: their addresses."""
    server = Server("filled", embedded_binaries(), "fsync = on", "max_wal_size = '8GB'")
    try:
        yield asyncio.run(_fill_all(server, sizes))
    finally:
        server.remove()


async def _fill_all(server: Server, sizes: tuple[int, ...]) -> dict[int, str]:
    connection = await asyncpg.connect(server.url())
    urls = {}
    for size in sizes:
        await connection.execute(f"create database of_{size}")
        urls[size] = server.url(f"of_{size}")
        await migrate(urls[size])
        await fill(urls[size], size)
    await connection.close()
    return urls
