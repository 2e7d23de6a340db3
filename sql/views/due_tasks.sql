drop view if exists rowbell.due_tasks;
create view rowbell.due_tasks as
select
  t.id, t.kind, t.queue, t.priority, t.run_at, now() - greatest(t.run_at, t.created_at) as due_for,
  case
    when q.paused_at is not null
      then format('queue %s is paused since %s: select rowbell.resume(%L)', t.queue, date_trunc('second', q.paused_at), t.queue)
    when not exists (select from rowbell.workers w where w.lost_at is null and w.stopped_at is null)
      then 'no worker is running: start `rowbell serve` or `rowbell worker`'
    when not exists (select from rowbell.workers w where w.lost_at is null and w.stopped_at is null and t.kind = any (w.kinds))
      then format('no live worker knows kind %s: start one with --handlers and the module that has it', t.kind)
    when not exists (select from rowbell.workers w where w.lost_at is null and w.stopped_at is null
                     and t.kind = any (w.kinds) and w.queues && array['*', t.queue])
      then format('no live worker serves queue %s: start one with --queues %s', t.queue, t.queue)
    else 'a free slot' end as waiting_for,
  t.attempt, t.failures, t.description, t.created_by, t.created_at
from rowbell.tasks t
left join rowbell.queues q on q.name = t.queue
where t.status = 'PENDING' and t.run_at <= now();
comment on view rowbell.due_tasks is 'Tasks that could run now but do not yet, with what each waits for.';
