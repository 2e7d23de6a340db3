drop view if exists rowbell.failed_tasks;
create view rowbell.failed_tasks as
select
  t.id, t.kind, t.queue, t.finished_at, t.failures, t.crashes,
  t.error ->> 'type' as error_type, t.error ->> 'message' as error_message,
  t.description, t.created_by, t.created_at, t.payload, t.error ->> 'traceback' as traceback
from rowbell.tasks t
where t.status = 'FAILED' and t.finished_at is not null;
comment on view rowbell.failed_tasks is 'Tasks that have used up their attempts, or failed for good. Send one back with select rowbell.retry(id).';
