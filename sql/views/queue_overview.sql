drop view if exists rowbell.queue_overview;
create view rowbell.queue_overview as
with open_tasks as (
  select t.queue,
    count(*) filter (where t.status = 'PENDING' and t.run_at <= now())  as due,
    count(*) filter (where t.status = 'PENDING' and t.run_at > now())   as scheduled,
    count(*) filter (where t.status = 'PROCESSING')                     as running,
    min(t.run_at) filter (where t.status = 'PENDING')                   as oldest_run_at
  from rowbell.tasks t where t.status in ('PENDING', 'PROCESSING') group by t.queue),
last_hour as (
  select t.queue,
    count(*) filter (where t.status = 'COMPLETED')                      as completed_last_hour,
    count(*) filter (where t.status = 'FAILED')                         as failed_last_hour
  from rowbell.tasks t where t.finished_at > now() - interval '1 hour' group by t.queue),
names as (
  select queue from open_tasks union select queue from last_hour union select name from rowbell.queues)
select
  n.queue, q.paused_at is not null as is_paused, q.paused_at, q.paused_by,
  coalesce(o.due, 0) as due, coalesce(o.scheduled, 0) as scheduled, coalesce(o.running, 0) as running,
  case when o.oldest_run_at <= now() then now() - o.oldest_run_at end as oldest_due_for,
  coalesce(h.completed_last_hour, 0) as completed_last_hour, coalesce(h.failed_last_hour, 0) as failed_last_hour
from names n
left join open_tasks o using (queue)
left join last_hour h using (queue)
left join rowbell.queues q on q.name = n.queue;
comment on view rowbell.queue_overview is 'One line a queue: what is due, scheduled and running, and what ended in the last hour. Counts rows: ask it now and then, not in a loop.';
