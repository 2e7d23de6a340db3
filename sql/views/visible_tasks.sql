-- Row level security by a view: a policy on rowbell.tasks would do, but with one PostgreSQL refuses COPY
-- to everybody but the owner. Sessions of callers who see only some tasks run as rowbell_viewer, which
-- may read this and not the table: a query that forgets to ask is refused.
drop view if exists rowbell.visible_tasks;
create view rowbell.visible_tasks with (security_barrier) as
select
  t.id, t.kind, t.queue, t.status, t.priority, t.description, t.payload, t.result, t.error, t.progress,
  t.audience, t.unique_key, t.attempt, t.failures, t.crashes, t.max_attempts, t.timeout, t.worker,
  t.created_by, t.created_at, t.run_at, t.started_at, t.finished_at, t.cancel_requested_at,
  t.concurrency_key, t.after, t.after_failure, t.after_batch, t.batch
from rowbell.tasks t
where rowbell.is_for(
  t.created_by, t.audience, current_setting('rowbell.subject', true),
  nullif(current_setting('rowbell.audiences', true), '')::text[]);
comment on view rowbell.visible_tasks is
  'The tasks for a caller of the API who is no operator, named by the settings rowbell.subject and rowbell.audiences of the transaction; none without them.';
comment on column rowbell.visible_tasks.id is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.kind is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.queue is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.status is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.priority is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.description is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.payload is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.result is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.error is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.progress is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.audience is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.unique_key is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.attempt is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.failures is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.crashes is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.max_attempts is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.timeout is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.worker is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.created_by is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.created_at is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.run_at is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.started_at is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.finished_at is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.cancel_requested_at is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.concurrency_key is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.after is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.after_failure is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.after_batch is 'As in rowbell.tasks.';
comment on column rowbell.visible_tasks.batch is 'As in rowbell.tasks.';
