create or replace function rowbell.health_of_workers(at timestamptz default now())
returns table (severity text, topic text, sentence text, remedy text, remedy_in text, about text, filter jsonb, since timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  with everybody as materialized (
    select w.*, format('Worker %s (%s, process %s)', w.id, w.host, w.process) as name, jsonb_build_object('worker', w.id::text) as filter
    from rowbell.workers w),
  here as materialized (select w.* from everybody w where w.stopped_at is null and w.lost_at is null),
  live as materialized (select w.* from here w where w.beat_at + w.lease >= at),
  due as materialized (select count(*) > 0 as is_any, min(w.due_since) as since from rowbell.waiting_queues(at) w),
  newest as (
    select max(string_to_array(f.version, '.')::integer[]) as version from rowbell.schema_files f where f.version ~ '^[0-9]+(\.[0-9]+)*$')
  select case when d.is_any then 'problem' else 'warning' end, 'worker.none',
    'No worker is running' || case when d.is_any then ', and tasks are due.' else ': tasks would wait.' end,
    'rowbell worker', 'shell', null::text, null::jsonb, d.since
  from due d where not exists (select from live l where l.draining_at is null)
  union all
  select 'problem', 'worker.silent',
    format('%s is silent for %s, longer than its lease of %s, and no other worker has taken its tasks.', w.name, rowbell.ago(w.beat_at), w.lease),
    'select * from rowbell.rescue();', 'psql', w.id::text, w.filter, w.beat_at
  from here w where w.beat_at + w.lease < at
  union all
  select 'warning', 'worker.silent',
    format('%s is silent for %s: once it is for its lease of %s, another takes its tasks (%s).', w.name, rowbell.ago(w.beat_at), w.lease, w.busy), null, null,
    w.id::text, w.filter, w.beat_at
  from live w where w.beat_at < at - greatest(w.lease / 2, interval '12 seconds')
  union all
  select 'note', 'worker.lost', format('%s fell silent and was lost %s ago; others have its tasks.', w.name, rowbell.ago(w.lost_at)), null, null,
    w.id::text, w.filter, w.lost_at
  from everybody w where w.lost_at > at - interval '1 hour'
  union all
  select 'problem', 'worker.deaf',
    format('%s hears no bell: no NOTIFY reaches it, and only sweeps find its tasks. The address that it was given leads to a pooler or a replica.', l.name),
    'rowbell doctor', 'shell', l.id::text, l.filter, null
  from live l where (l.tally ->> 'is_deaf')::boolean
  union all
  select 'warning', 'worker.unheard', format('%s does not listen at the moment: its listening connection is gone.', l.name), 'rowbell doctor', 'shell',
    l.id::text, l.filter, null
  from live l where l.started_at < at - interval '15 seconds' and not (l.tally ->> 'is_listening')::boolean and not (l.tally ->> 'is_deaf')::boolean
  union all
  select 'note', 'worker.swept',
    format('Sweeps found tasks that no bell had announced, %s ago (worker %s): they waited longer than they had to.', rowbell.ago(max(l.swept_at)), string_agg(l.id::text, ', ')),
    null, null, null, null, max(l.swept_at)
  from live l where l.swept_at > at - interval '15 minutes' having count(*) > 0
  union all
  -- A process that stands still keeps its session, and with it the chair: nobody else is rung.
  select 'warning', 'worker.chair',
    format('Session %s answers the bell for some workers, and has said nothing since worker %s (%s, process %s) fell silent: if it is of that process, which stands still, others hear no bell until it ends.',
      a.pid, w.id, w.host, w.process),
    format('select pg_terminate_backend(%s);', a.pid), 'psql', a.pid::text, null, w.beat_at
  from pg_locks k
  join pg_stat_activity a on a.pid = k.pid
  cross join lateral (
    select w.* from everybody w
    where w.stopped_at is null and w.beat_at > at - interval '1 day' and w.beat_at + w.lease < at
      and a.backend_start < w.beat_at and a.state_change < w.beat_at + w.lease
    order by w.beat_at desc limit 1) w
  where k.locktype = 'advisory' and k.classid = 1919907686 and k.objsubid = 2 and k.granted
    and k.database = (select d.oid from pg_database d where d.datname = current_database())
  union all
  select 'warning', 'worker.old',
    format('Worker %s on %s (process %s) is version %s, older than the schema: stop it there, and start the new version.', l.id, l.host, l.process, l.version),
    format('kill -TERM %s', l.process), 'shell', l.id::text, l.filter, l.started_at
  from live l, newest n
  where l.version ~ '^[0-9]+(\.[0-9]+)*$' and string_to_array(l.version, '.')::integer[] < n.version
  union all
  select 'warning', 'worker.clock',
    format('The clock of worker %s (%s, process %s) is %s %s that of the server: its log and the JWTs that it checks go by it. Set the clock of %s.',
      l.id, l.host, l.process, justify_interval(date_trunc('second', greatest(l.clock_ahead, -l.clock_ahead))),
      case when l.clock_ahead > interval '0' then 'ahead of' else 'behind' end, l.host),
    'sudo timedatectl set-ntp true', 'shell', l.id::text, l.filter, null
  from live l where greatest(l.clock_ahead, -l.clock_ahead) > interval '2 seconds';
end $$;
comment on function rowbell.health_of_workers(timestamptz) is
  'For rowbell.health and rowbell.attention: no worker, silent and lost ones, deaf listeners, duty that a silent process keeps, old versions, clocks that are over 2 s off.';
