drop view if exists rowbell.task_overview;
create view rowbell.task_overview as
select
  t.id, t.kind, t.queue, t.status,
  case
    when t.status = 'PROCESSING' and t.cancel_requested_at is not null then 'being cancelled'
    when t.status = 'PROCESSING' then 'running'
    when t.status <> 'PENDING' then lower(t.status::text)
    when (t.after is not null or t.after_batch is not null) and t.parents is distinct from 'met' then 'held'
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
comment on column rowbell.task_overview.id is 'As in rowbell.tasks.';
comment on column rowbell.task_overview.kind is 'As in rowbell.tasks.';
comment on column rowbell.task_overview.queue is 'As in rowbell.tasks.';
comment on column rowbell.task_overview.status is 'As in rowbell.tasks.';
comment on column rowbell.task_overview.state is 'due, scheduled, retrying, held (by its parents), running, being cancelled, completed, failed or cancelled.';
comment on column rowbell.task_overview.description is 'As in rowbell.tasks.';
comment on column rowbell.task_overview.progress is '0 to 1, as the handler last reported it.';
comment on column rowbell.task_overview.attempt is 'Attempts begun.';
comment on column rowbell.task_overview.failures is 'Attempts that failed.';
comment on column rowbell.task_overview.crashes is 'Attempts that were lost with their worker.';
comment on column rowbell.task_overview.max_attempts is 'Failures until it is FAILED: its own number, or the kinds, or 5.';
comment on column rowbell.task_overview.run_at is 'Not before this instant.';
comment on column rowbell.task_overview.waited is 'From due to the start of the last attempt.';
comment on column rowbell.task_overview.ran is 'How long the last attempt took, or has been running.';
comment on column rowbell.task_overview.worker is 'Which of rowbell.workers runs it, or ran it last.';
comment on column rowbell.task_overview.worker_process is 'Host and process id of that worker.';
comment on column rowbell.task_overview.error_type is 'What was raised last: the name of the exception.';
comment on column rowbell.task_overview.error_message is 'What it said.';
comment on column rowbell.task_overview.created_by is 'Who asked for it.';
comment on column rowbell.task_overview.created_at is 'When it was inserted.';
comment on column rowbell.task_overview.finished_at is 'When it ended.';
