drop view if exists rowbell.failed_tasks;
create view rowbell.failed_tasks as
select
  t.id, t.kind, t.queue, t.finished_at, t.failures, t.crashes,
  t.error ->> 'type' as error_type, t.error ->> 'message' as error_message,
  t.description, t.created_by, t.created_at, t.payload, t.error ->> 'traceback' as traceback
from rowbell.tasks t
where t.status = 'FAILED' and t.finished_at is not null;
comment on view rowbell.failed_tasks is 'Tasks that have used up their attempts, or failed for good. Send one back with select rowbell.retry(id).';
comment on column rowbell.failed_tasks.id is 'As in rowbell.tasks.';
comment on column rowbell.failed_tasks.kind is 'As in rowbell.tasks.';
comment on column rowbell.failed_tasks.queue is 'As in rowbell.tasks.';
comment on column rowbell.failed_tasks.finished_at is 'When it became FAILED.';
comment on column rowbell.failed_tasks.failures is 'Attempts that failed.';
comment on column rowbell.failed_tasks.crashes is 'Attempts that were lost with their worker.';
comment on column rowbell.failed_tasks.error_type is 'What was raised last: the name of the exception.';
comment on column rowbell.failed_tasks.error_message is 'What it said.';
comment on column rowbell.failed_tasks.description is 'As in rowbell.tasks.';
comment on column rowbell.failed_tasks.created_by is 'Who asked for it.';
comment on column rowbell.failed_tasks.created_at is 'When it was inserted.';
comment on column rowbell.failed_tasks.payload is 'The input of the handler.';
comment on column rowbell.failed_tasks.traceback is 'Where it was raised.';
