drop view if exists rowbell.task_overview;
create view rowbell.task_overview as
select
  t.id, t.kind, t.queue, t.status,
  case
    when t.status = 'PROCESSING' and t.cancel_requested_at is not null then 'being cancelled'
    when t.status = 'PROCESSING' then 'running'
    when t.status <> 'PENDING' then lower(t.status::text)
    when t.run_at > now() and t.failures > 0 then 'retrying'
    when t.run_at > now() then 'scheduled'
    else 'due' end                                                           as state,
  t.description, t.progress, t.attempt, t.failures, t.crashes,
  coalesce(t.max_attempts, k.max_attempts, 5)                                as max_attempts,
  t.run_at,
  t.started_at - greatest(t.run_at, t.created_at)                            as waited,
  coalesce(t.finished_at, case when t.status = 'PROCESSING' then now() end) - t.started_at as ran,
  t.worker, w.host || ':' || w.process                                       as worker_process,
  t.error ->> 'type'                                                         as error_type,
  t.error ->> 'message'                                                      as error_message,
  t.created_by, t.created_at, t.finished_at
from rowbell.tasks t
left join rowbell.kinds k on k.name = t.kind
left join rowbell.workers w on w.id = t.worker;
comment on view rowbell.task_overview is 'One line a task, with words for its state and without payload and result. Add where id = … or where queue = ….';
