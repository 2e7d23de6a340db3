create or replace function rowbell.attention_tasks(at timestamptz default now())
returns table (id text, severity text, topic text, sentence text, remedy text, remedy_kind text, view text, filter jsonb, since timestamptz)
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
begin
  return query
  select format('dead_tasks %s', m.kind), 'CRITICAL', 'dead_tasks',
    format('%s tasks of kind %s became FAILED in the last hour.', sum(m.failed), m.kind),
    format('select * from rowbell.retry_where(kinds => ''{%s}'', finished_after => now() - interval ''1 hour'');', m.kind),
    'SQL', 'ERRORS', jsonb_build_object('kind', jsonb_build_array(m.kind)), min(m.minute)
  from rowbell.minutes m where m.minute > at - interval '1 hour' and m.failed > 0 group by m.kind;

  return query
  with depths as materialized (
    select d.queue, d.kind, d.due, d.scheduled, d.is_capped, d.oldest_due_at from rowbell.queue_depths(1000, at) d),
  live as materialized (
    select w.queues, w.kinds, w.slots, w.busy from rowbell.workers w
    where w.lost_at is null and w.stopped_at is null and w.draining_at is null and w.beat_at + w.lease >= at),
  waiting as (
    select d.*, q.paused_at, q.paused_by, q.max_running, q.rate, q.burst,
      k.max_running as kind_max_running, k.rate as kind_rate,
      exists (select from live) as is_anybody,
      exists (select from live l where d.kind = any (l.kinds)) as is_known,
      exists (select from live l where d.kind = any (l.kinds) and l.queues && array['*', d.queue]) as is_served,
      d.due || case when d.is_capped and d.due >= 1000 then ' or more' else '' end as due_words
    from depths d left join rowbell.queues q on q.name = d.queue left join rowbell.kinds k on k.name = d.kind),
  paused as (
    select w.queue, min(w.paused_at) as paused_at, min(w.paused_by) as paused_by, sum(w.due) as due, sum(w.scheduled) as scheduled
    from waiting w where w.paused_at is not null group by w.queue),
  open as (select w.* from waiting w where w.paused_at is null and w.due > 0),
  backlog as (
    select o.queue, sum(o.due) as due, bool_or(o.is_capped and o.due >= 1000) as is_capped, min(o.oldest_due_at) as oldest,
      min(o.max_running) as max_running, min(o.rate) as rate,
      string_agg(distinct o.kind, ', ') filter (where o.kind_max_running is not null or o.kind_rate is not null) as limited_kinds
    from open o where o.is_served group by o.queue having min(o.oldest_due_at) < at - interval '10 seconds')
  select 'no_worker', 'CRITICAL', 'no_worker', format('No worker is running, and %s tasks are due.', sum(o.due)),
    'rowbell worker', 'COMMAND', 'WORKERS', null::jsonb, min(o.oldest_due_at)
  from open o where not o.is_anybody having count(*) > 0
  union all
  select format('no_worker %s', o.kind), 'CRITICAL', 'no_worker',
    format('No live worker knows kind %s: %s of its tasks are due, the oldest for %s.', o.kind, sum(o.due), rowbell.ago(min(o.oldest_due_at))),
    'rowbell worker --handlers MODULE', 'COMMAND', 'TASKS', jsonb_build_object('kind', jsonb_build_array(o.kind), 'status', jsonb_build_array('PENDING')), min(o.oldest_due_at)
  from open o where o.is_anybody and not o.is_known group by o.kind
  union all
  select format('no_worker %s %s', o.queue, o.kind), 'CRITICAL', 'no_worker',
    format('No worker that knows kind %s serves queue %s: %s tasks are due, the oldest for %s.', o.kind, o.queue, o.due_words, rowbell.ago(o.oldest_due_at)),
    format('rowbell worker --queues %s', o.queue), 'COMMAND', 'TASKS',
    jsonb_build_object('queue', jsonb_build_array(o.queue), 'kind', jsonb_build_array(o.kind), 'status', jsonb_build_array('PENDING')), o.oldest_due_at
  from open o where o.is_known and not o.is_served
  union all
  select format('queue_paused %s', p.queue), 'NOTICE', 'queue_paused',
    format('Queue %s is paused since %s, by %s; %s tasks are due, %s more are scheduled.', p.queue, rowbell.ago(p.paused_at), p.paused_by, p.due, p.scheduled),
    format('select rowbell.resume(%L);', p.queue), 'SQL', 'TASKS', jsonb_build_object('queue', jsonb_build_array(p.queue), 'status', jsonb_build_array('PENDING')), p.paused_at
  from paused p where p.due > 0
  union all
  select format('limited %s', b.queue), 'WARNING', 'limited',
    format('%s tasks of queue %s are due, the oldest for %s, and a limit holds them back: %s.', b.due || case when b.is_capped then ' or more' else '' end, b.queue, rowbell.ago(b.oldest),
      concat_ws(', ', case when b.max_running is not null then format('the queue runs %s at once', b.max_running) end,
        case when b.rate is not null then format('it starts %s a second', round(b.rate::numeric, 3)) end,
        case when b.limited_kinds is not null then format('kind %s has limits of its own', b.limited_kinds) end)),
    case when b.max_running is not null or b.rate is not null
      then format('update rowbell.queues set max_running = null, rate = null where name = %L;', b.queue)
      else format('update rowbell.kinds set max_running = null, rate = null where name = any (string_to_array(%L, '', ''));', b.limited_kinds) end,
    'SQL', 'TASKS', jsonb_build_object('queue', jsonb_build_array(b.queue), 'status', jsonb_build_array('PENDING')), b.oldest
  from backlog b where b.max_running is not null or b.rate is not null or b.limited_kinds is not null
  union all
  select format('backlog %s', b.queue), 'WARNING', 'backlog',
    format('%s tasks of queue %s are due, the oldest for %s: the workers do not keep up (%s of %s slots busy).', b.due || case when b.is_capped then ' or more' else '' end, b.queue,
      rowbell.ago(b.oldest), (select sum(l.busy) from live l where l.queues && array['*', b.queue]), (select sum(l.slots) from live l where l.queues && array['*', b.queue])),
    'rowbell worker', 'COMMAND', 'TASKS', jsonb_build_object('queue', jsonb_build_array(b.queue), 'status', jsonb_build_array('PENDING')), b.oldest
  from backlog b where b.max_running is null and b.rate is null and b.limited_kinds is null and b.oldest < at - interval '30 seconds';

  return query
  select format('schedule %s', s.name), case when s.state = 'undeclared' then 'NOTICE' else 'CRITICAL' end, 'schedule',
    case s.state
      when 'unreadable' then format('Schedule %s cannot be read: %s', s.name, s.problem)
      when 'overdue' then format('Schedule %s should have run %s ago: no worker is there to tick.', s.name, rowbell.ago(s.next_run_at))
      else format('Schedule %s comes from code that no live worker has had for a day: it does not run.', s.name) end,
    case s.state
      when 'unreadable' then format('update rowbell.schedules set cron = ''30 2 * * *'', every = null where name = %L;', s.name)
      when 'overdue' then 'rowbell worker'
      else format('select rowbell.drop_schedule(%L);', s.name) end,
    case s.state when 'overdue' then 'COMMAND' else 'SQL' end, 'SCHEDULES', jsonb_build_object('schedule', s.name), s.next_run_at
  from rowbell.schedule_overview s where s.state in ('unreadable', 'overdue', 'undeclared');
end $$;
comment on function rowbell.attention_tasks(timestamptz) is
  'For rowbell.attention: tasks that failed for good, wait for nobody, or for too long; schedules that do not run.';
