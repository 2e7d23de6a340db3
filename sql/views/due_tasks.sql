drop view if exists rowbell.due_tasks;
create view rowbell.due_tasks as
with live as materialized (  -- a worker that is silent for its lease is none, even if no sweep was left to say so
  select w.queues, w.kinds from rowbell.workers w
  where w.lost_at is null and w.stopped_at is null and w.draining_at is null and w.beat_at + w.lease >= now())
select
  t.id, t.kind, t.queue, t.priority, t.run_at, now() - greatest(t.run_at, t.created_at) as due_for,
  case
    when q.paused_at is not null
      then format('queue %s is paused since %s: select rowbell.resume(%L)', t.queue, date_trunc('second', q.paused_at), t.queue)
    when not exists (select from live)
      then 'no worker is running: start `rowbell serve` or `rowbell worker`'
    when not exists (select from live w where t.kind = any (w.kinds))
      then format('no live worker knows kind %s: start one with --handlers and the module that has it', t.kind)
    when not exists (select from live w where t.kind = any (w.kinds) and w.queues && array['*', t.queue])
      then format('no live worker serves queue %s: start one with --queues %s', t.queue, t.queue)
    when q.max_running is not null or q.rate is not null or t.concurrency_key is not null
      or exists (select from rowbell.kinds k where k.name = t.kind and (k.max_running is not null or k.rate is not null))
      then format('a free slot, within its limits: select * from rowbell.explain(%s)', t.id)
    else 'a free slot' end as waiting_for,
  t.attempt, t.failures, t.description, t.created_by, t.created_at
from (  -- in the words of the two indexes on ready rows
  select * from rowbell.tasks t
  where t.status = 'PENDING' and t.concurrency_key is null and ((t.after is null and t.after_batch is null) or t.parents = 'met') and t.run_at <= now()
  union all
  select * from rowbell.tasks t
  where t.status = 'PENDING' and t.concurrency_key is not null and ((t.after is null and t.after_batch is null) or t.parents = 'met') and t.run_at <= now()) t
left join rowbell.queues q on q.name = t.queue;
comment on view rowbell.due_tasks is 'Tasks that could run now but do not yet, with what each waits for.';
comment on column rowbell.due_tasks.id is 'As in rowbell.tasks.';
comment on column rowbell.due_tasks.kind is 'As in rowbell.tasks.';
comment on column rowbell.due_tasks.queue is 'As in rowbell.tasks.';
comment on column rowbell.due_tasks.priority is 'Higher runs first.';
comment on column rowbell.due_tasks.run_at is 'Since when it could run.';
comment on column rowbell.due_tasks.due_for is 'How long it has been waiting.';
comment on column rowbell.due_tasks.waiting_for is 'What has to happen first, with the command that makes it happen.';
comment on column rowbell.due_tasks.attempt is 'Attempts begun so far.';
comment on column rowbell.due_tasks.failures is 'Attempts that failed so far.';
comment on column rowbell.due_tasks.description is 'As in rowbell.tasks.';
comment on column rowbell.due_tasks.created_by is 'Who asked for it.';
comment on column rowbell.due_tasks.created_at is 'When it was inserted.';
