drop view if exists rowbell.queue_overview;
create view rowbell.queue_overview as
-- Waiting and running rows apart: each part is read from its own partial index, never the finished rows.
with ready as (
  select t.queue, t.run_at from rowbell.tasks t
  where t.status = 'PENDING' and t.concurrency_key is null and ((t.after is null and t.after_batch is null) or t.parents = 'met')
  union all
  select t.queue, t.run_at from rowbell.tasks t
  where t.status = 'PENDING' and t.concurrency_key is not null and ((t.after is null and t.after_batch is null) or t.parents = 'met')),
waiting as (
  select r.queue,
    count(*) filter (where r.run_at <= now())                           as due,
    count(*) filter (where r.run_at > now())                            as scheduled,
    min(r.run_at)                                                       as oldest_run_at
  from ready r group by r.queue),
held as (
  select h.queue, count(*) as held from (
    select t.queue from rowbell.tasks t where t.status = 'PENDING' and t.parents = 'open'
    union all
    select t.queue from rowbell.tasks t
    where t.status = 'PENDING' and (t.after is not null or t.after_batch is not null) and t.parents is null) h
  group by h.queue),
running as (
  select t.queue, count(*) as running from rowbell.tasks t where t.status = 'PROCESSING' group by t.queue),
last_hour as (
  select t.queue,
    count(*) filter (where t.status = 'COMPLETED')                      as completed_last_hour,
    count(*) filter (where t.status = 'FAILED')                         as failed_last_hour
  from rowbell.tasks t where t.finished_at > now() - interval '1 hour' group by t.queue),
names as (
  select queue from waiting union select queue from held union select queue from running union select queue from last_hour union select name from rowbell.queues)
select
  n.queue, q.paused_at is not null as is_paused, q.paused_at, q.paused_by,
  coalesce(w.due, 0) as due, coalesce(w.scheduled, 0) as scheduled, coalesce(p.held, 0) as held, coalesce(r.running, 0) as running,
  q.max_running, q.rate,
  case when w.oldest_run_at <= now() then now() - w.oldest_run_at end as oldest_due_for,
  coalesce(h.completed_last_hour, 0) as completed_last_hour, coalesce(h.failed_last_hour, 0) as failed_last_hour
from names n
left join waiting w using (queue)
left join held p using (queue)
left join running r using (queue)
left join last_hour h using (queue)
left join rowbell.queues q on q.name = n.queue;
comment on view rowbell.queue_overview is 'One line a queue: what is due, scheduled and running, and what ended in the last hour. Counts rows: ask it now and then, not in a loop.';
comment on column rowbell.queue_overview.queue is 'Name of the queue.';
comment on column rowbell.queue_overview.is_paused is 'True: nothing of it is claimed. select rowbell.resume(queue) ends that.';
comment on column rowbell.queue_overview.paused_at is 'Since when.';
comment on column rowbell.queue_overview.paused_by is 'Who paused it.';
comment on column rowbell.queue_overview.due is 'Tasks that could run now.';
comment on column rowbell.queue_overview.scheduled is 'Tasks for later, retries among them.';
comment on column rowbell.queue_overview.held is 'Tasks that wait for their parents or for a batch.';
comment on column rowbell.queue_overview.max_running is 'Most that run at once; null: no limit.';
comment on column rowbell.queue_overview.rate is 'Most that are started a second, on average; null: no limit.';
comment on column rowbell.queue_overview.running is 'Tasks that run now.';
comment on column rowbell.queue_overview.oldest_due_for is 'How long the oldest due task has been waiting.';
comment on column rowbell.queue_overview.completed_last_hour is 'Tasks that were completed in the last hour.';
comment on column rowbell.queue_overview.failed_last_hour is 'Tasks that became FAILED in the last hour.';
