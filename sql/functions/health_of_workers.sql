create or replace function rowbell.health_of_workers()
returns table (severity text, topic text, sentence text, remedy text, remedy_in text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  with live as materialized (
    select w.* from rowbell.workers w where w.stopped_at is null and w.lost_at is null and w.beat_at + w.lease >= now()),
  newest as (
    select max(string_to_array(f.version, '.')::integer[]) as version from rowbell.schema_files f where f.version ~ '^[0-9]+(\.[0-9]+)*$')
  select case when exists (select from rowbell.waiting_queues()) then 'problem' else 'warning' end, 'worker.none',
    'No worker is running' || case when exists (select from rowbell.waiting_queues()) then ', and tasks are due.' else ': tasks would wait.' end,
    'rowbell worker', 'shell'
  where not exists (select from live l where l.draining_at is null)
  union all
  select 'problem', 'worker.silent',
    format('Worker %s (%s, process %s) is silent for %s, longer than its lease of %s, and no other worker has taken its tasks.',
      w.id, w.host, w.process, rowbell.ago(w.beat_at), w.lease),
    'select * from rowbell.rescue();', 'psql'
  from rowbell.workers w where w.stopped_at is null and w.lost_at is null and w.beat_at + w.lease < now()
  union all
  select 'note', 'worker.lost',
    format('Worker %s (%s, process %s) fell silent and was lost %s ago; others have its tasks.', w.id, w.host, w.process, rowbell.ago(w.lost_at)), null, null
  from rowbell.workers w where w.lost_at > now() - interval '1 hour'
  union all
  select 'problem', 'worker.deaf',
    format('Worker %s (%s, process %s) hears no bell: no NOTIFY reaches it, and only sweeps find its tasks. The address that it was given leads to a pooler or a replica.',
      l.id, l.host, l.process), 'rowbell doctor', 'shell'
  from live l where (l.tally ->> 'is_deaf')::boolean
  union all
  select 'note', 'worker.swept',
    format('Sweeps of worker %s found tasks that no bell had announced, %s ago.', l.id, rowbell.ago(l.swept_at)), null, null
  from live l where l.swept_at > now() - interval '15 minutes'
  union all
  select 'warning', 'worker.old',
    format('Worker %s on %s (process %s) is version %s, older than the schema: stop it there, and start the new version.', l.id, l.host, l.process, l.version),
    format('kill -TERM %s', l.process), 'shell'
  from live l, newest n
  where l.version ~ '^[0-9]+(\.[0-9]+)*$' and string_to_array(l.version, '.')::integer[] < n.version
  union all
  select 'warning', 'worker.clock',
    format('The clock of worker %s (%s, process %s) is %s %s that of the server: its log and the JWTs that it checks go by it. Set the clock of %s.',
      l.id, l.host, l.process, justify_interval(date_trunc('second', greatest(l.clock_ahead, -l.clock_ahead))),
      case when l.clock_ahead > interval '0' then 'ahead of' else 'behind' end, l.host),
    'sudo timedatectl set-ntp true', 'shell'
  from live l where greatest(l.clock_ahead, -l.clock_ahead) > interval '2 seconds';
end $$;
comment on function rowbell.health_of_workers() is
  'For rowbell.health: no worker, silent and lost ones, deaf listeners, old versions, clocks that are over 2 s off.';
