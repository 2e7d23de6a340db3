-- What is due is found by index probes (rowbell.waiting_queues), however long a backlog is.
create or replace function rowbell.health_of_queues()
returns table (severity text, topic text, sentence text, remedy text, remedy_in text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  with live as materialized (
    select w.* from rowbell.workers w
    where w.stopped_at is null and w.lost_at is null and w.draining_at is null and w.beat_at + w.lease >= now()),
  waiting as materialized (
    select w.queue, w.kind, w.due_since, q.paused_at, q.paused_by, q.max_running, q.rate, q.burst
    from rowbell.waiting_queues() w left join rowbell.queues q on q.name = w.queue where w.kind is not null),
  unpaused as materialized (select * from waiting w where w.paused_at is null),
  limits as materialized (
    select 'queue' as scope, w.queue as name, w.max_running as most, w.rate, rowbell.tokens('queue', w.queue, w.rate, w.burst) as tokens,
      min(w.due_since) as due_since,
      (select count(*) from (select from rowbell.tasks t where t.status = 'PROCESSING' and t.queue = w.queue limit w.max_running) r) as run
    from unpaused w where w.max_running is not null or w.rate is not null
    group by w.queue, w.max_running, w.rate, w.burst
    union all
    select 'kind', k.name, k.max_running, k.rate, rowbell.tokens('kind', k.name, k.rate, k.burst), min(w.due_since),
      (select count(*) from (select from rowbell.tasks t where t.status = 'PROCESSING' and t.kind = k.name limit k.max_running) r)
    from unpaused w join rowbell.kinds k on k.name = w.kind where k.max_running is not null or k.rate is not null
    group by k.name)
  select 'warning', 'queue.paused',
    format('Queue %s is paused since %s, by %s, and tasks of it are due since %s.',
      w.queue, rowbell.ago(w.paused_at), w.paused_by, rowbell.ago(min(w.due_since))),
    format('select rowbell.resume(%L);', w.queue), 'psql'
  from waiting w where w.paused_at is not null group by w.queue, w.paused_at, w.paused_by
  union all
  select 'problem', 'kind.unknown',
    case when k.module is not null
      then format('Tasks of kind %s are due since %s, and no live worker knows it. Its handler was in the module %s.', w.kind, rowbell.ago(min(w.due_since)), k.module)
      else format('Tasks of kind %s are due since %s, and no worker has ever known it. Start one with --handlers and the module that has it; if there is none, cancel them.',
        w.kind, rowbell.ago(min(w.due_since))) end,
    case when k.module is not null then format('rowbell worker --handlers %s', k.module)
      else format('select matched, changed, has_more from rowbell.cancel_where(kinds => %L);', format('{%s}', w.kind)) end,
    case when k.module is not null then 'shell' else 'psql' end
  from unpaused w left join rowbell.kinds k on k.name = w.kind
  where exists (select from live) and not exists (select from live l where w.kind = any (l.kinds))
  group by w.kind, k.module
  union all
  select 'problem', 'queue.unserved',
    format('Tasks of kind %s are due in queue %s since %s, and no live worker that knows the kind serves the queue.', w.kind, w.queue, rowbell.ago(w.due_since)),
    format('rowbell worker --queues %s%s', w.queue, case when k.module not like 'rowbell.%' then ' --handlers ' || k.module else '' end), 'shell'
  from unpaused w left join rowbell.kinds k on k.name = w.kind
  where exists (select from live l where w.kind = any (l.kinds))
    and not exists (select from live l where w.kind = any (l.kinds) and l.queues && array['*', w.queue])
  union all
  select case when l.most = 0 or l.due_since < now() - interval '1 minute' then 'warning' else 'note' end, 'limit.full',
    format('The %s %s runs %s of %s that it may, and tasks are due since %s.', l.scope, l.name, l.run, l.most, rowbell.ago(l.due_since)),
    format('update rowbell.%ss set max_running = %s where name = %L;', l.scope, greatest(1, l.most * 2), l.name), 'psql'
  from limits l where l.run >= l.most
  union all
  select case when l.due_since < now() - interval '1 minute' then 'warning' else 'note' end, 'limit.full',
    format('The %s %s starts %s tasks a second at the most, and tasks are due since %s.', l.scope, l.name, round(l.rate::numeric, 3), rowbell.ago(l.due_since)),
    format('update rowbell.%ss set rate = %s where name = %L;', l.scope, l.rate * 2, l.name), 'psql'
  from limits l where l.tokens < 1
  union all
  select 'warning', 'workers.full',
    format('All %s slots of the live workers are busy, and tasks are due since %s.', sum(l.slots), rowbell.ago((select min(w.due_since) from unpaused w))),
    'rowbell worker', 'shell'
  from live l where exists (select from unpaused w where w.due_since < now() - interval '1 minute')
  having sum(l.busy) >= sum(l.slots);
end $$;
comment on function rowbell.health_of_queues() is
  'For rowbell.health: queues that are paused with work, kinds and queues without a live worker, limits and slots that are full.';
