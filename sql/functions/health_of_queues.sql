-- What is due is counted up to 100 (rowbell.queue_depths), so that a long backlog costs no more than a short one.
create or replace function rowbell.health_of_queues(at timestamptz default now())
returns table (severity text, topic text, sentence text, remedy text, remedy_in text, about text, filter jsonb, since timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  with live as materialized (
    select w.* from rowbell.workers w
    where w.stopped_at is null and w.lost_at is null and w.draining_at is null and w.beat_at + w.lease >= at),
  waiting as materialized (
    select d.queue, d.kind, d.due, d.scheduled, d.is_capped, d.oldest_due_at, q.paused_at, q.paused_by, q.max_running, q.rate, q.burst,
      k.module, k.max_running is not null or k.rate is not null as is_limited_by_kind,
      exists (select from live) as is_anybody,
      exists (select from live l where d.kind = any (l.kinds)) as is_known,
      exists (select from live l where d.kind = any (l.kinds) and l.queues && array['*', d.queue]) as is_served
    from rowbell.queue_depths(100, at) d left join rowbell.queues q on q.name = d.queue left join rowbell.kinds k on k.name = d.kind
    where d.due > 0),
  unpaused as materialized (
    select w.*, case when w.is_capped then format('%s or more tasks are due', w.due) else rowbell.many(w.due, 'task is due', 'tasks are due') end as due_words
    from waiting w where w.paused_at is null),
  limits as materialized (
    select 'queue' as scope, w.queue as name, w.max_running as most, w.rate, rowbell.tokens('queue', w.queue, w.rate, w.burst) as tokens,
      min(w.oldest_due_at) as due_since,
      (select count(*) from (select from rowbell.tasks t where t.status = 'PROCESSING' and t.queue = w.queue limit w.max_running) r) as run
    from unpaused w where w.max_running is not null or w.rate is not null
    group by w.queue, w.max_running, w.rate, w.burst
    union all
    select 'kind', k.name, k.max_running, k.rate, rowbell.tokens('kind', k.name, k.rate, k.burst), min(w.oldest_due_at),
      (select count(*) from (select from rowbell.tasks t where t.status = 'PROCESSING' and t.kind = k.name limit k.max_running) r)
    from unpaused w join rowbell.kinds k on k.name = w.kind where w.is_limited_by_kind
    group by k.name),
  -- A key lets one task run after the other, and more workers would change nothing.
  backlog as (
    select w.queue, sum(w.due) as due, bool_or(w.is_capped) as is_capped, min(p.oldest) as oldest
    from unpaused w
    cross join lateral (select min(s.run_at) as oldest from rowbell.strata(w.queue, array[w.kind]) s where not s.is_keyed) p
    where w.is_served and w.max_running is null and w.rate is null and not w.is_limited_by_kind
    group by w.queue having min(p.oldest) < at - interval '30 seconds')
  select 'warning', 'queue.paused',
    format('Queue %s is paused since %s, by %s; %s, %s more scheduled.', w.queue, rowbell.ago(min(w.paused_at)), min(w.paused_by),
      rowbell.many(sum(w.due), 'task of it is due', 'tasks of it are due'), sum(w.scheduled)),
    format('select rowbell.resume(%L);', w.queue), 'psql',
    w.queue, jsonb_build_object('queue', jsonb_build_array(w.queue), 'status', jsonb_build_array('PENDING')), min(w.paused_at)
  from waiting w where w.paused_at is not null group by w.queue
  union all
  select 'problem', 'kind.unknown',
    format('No live worker knows kind %s: %s, the oldest for %s.%s', w.kind, rowbell.many(sum(w.due), 'task of it is due', 'tasks of it are due'),
      rowbell.ago(min(w.oldest_due_at)),
      case when w.module is not null then format(' Its handler was in the module %s.', w.module)
        else ' No worker has ever known it: start one with --handlers and the module that has it; if there is none, cancel them.' end),
    case when w.module is not null then format('rowbell worker --handlers %s', w.module)
      else format('select matched, changed, has_more from rowbell.cancel_where(kinds => %L);', format('{%s}', w.kind)) end,
    case when w.module is not null then 'shell' else 'psql' end,
    w.kind, jsonb_build_object('kind', jsonb_build_array(w.kind), 'status', jsonb_build_array('PENDING')), min(w.oldest_due_at)
  from unpaused w where w.is_anybody and not w.is_known group by w.kind, w.module
  union all
  select 'problem', 'queue.unserved',
    format('No live worker that knows kind %s serves queue %s: %s, the oldest for %s.', w.kind, w.queue, w.due_words, rowbell.ago(w.oldest_due_at)),
    format('rowbell worker --queues %s%s', w.queue, case when w.module not like 'rowbell.%' then ' --handlers ' || w.module else '' end), 'shell',
    format('%s %s', w.queue, w.kind),
    jsonb_build_object('queue', jsonb_build_array(w.queue), 'kind', jsonb_build_array(w.kind), 'status', jsonb_build_array('PENDING')), w.oldest_due_at
  from unpaused w where w.is_known and not w.is_served
  union all
  select case when l.most = 0 or l.due_since < at - interval '1 minute' then 'warning' else 'note' end, 'limit.full',
    format('The %s %s runs %s of %s that it may, and tasks are due for %s.', l.scope, l.name, l.run, l.most, rowbell.ago(l.due_since)),
    format('update rowbell.%ss set max_running = %s where name = %L;', l.scope, greatest(1, l.most * 2), l.name), 'psql',
    format('%s %s', l.scope, l.name), jsonb_build_object(l.scope, jsonb_build_array(l.name), 'status', jsonb_build_array('PENDING')), l.due_since
  from limits l where l.run >= l.most and (l.most = 0 or l.due_since < at - interval '10 seconds')
  union all
  select case when l.due_since < at - interval '1 minute' then 'warning' else 'note' end, 'limit.full',
    format('The %s %s starts %s a second at the most, and tasks are due for %s.', l.scope, l.name, rowbell.many(round(l.rate::numeric, 3), 'task'), rowbell.ago(l.due_since)),
    format('update rowbell.%ss set rate = %s where name = %L;', l.scope, l.rate * 2, l.name), 'psql',
    format('%s %s rate', l.scope, l.name), jsonb_build_object(l.scope, jsonb_build_array(l.name), 'status', jsonb_build_array('PENDING')), l.due_since
  from limits l where l.tokens < 1 and l.due_since < at - interval '10 seconds'
  union all
  select 'warning', 'workers.full',
    format('%s in queue %s, the oldest for %s: the workers do not keep up (%s of %s busy).',
      case when b.is_capped then format('%s or more tasks are due', b.due) else rowbell.many(b.due, 'task is due', 'tasks are due') end, b.queue, rowbell.ago(b.oldest),
      s.busy, rowbell.many(s.slots, 'slot')),
    'rowbell worker', 'shell', b.queue, jsonb_build_object('queue', jsonb_build_array(b.queue), 'status', jsonb_build_array('PENDING')), b.oldest
  from backlog b
  cross join lateral (select sum(l.busy) as busy, sum(l.slots) as slots from live l where l.queues && array['*', b.queue]) s;
end $$;
comment on function rowbell.health_of_queues(timestamptz) is
  'For rowbell.health and rowbell.attention: queues that are paused with work, kinds and queues without a live worker, limits that are full, workers that do not keep up.';
