-- Lists of tasks that take as long with ten million rows as with ten thousand, whatever they are filtered by.
--
-- What an index costs is paid by every INSERT, claim and completion: a status is in the indexes of claims, so no
-- update of a status is HOT, and each makes a new entry in every index that has room for the new row. Rows that run
-- are left out of the indexes here, and found by tasks_running: that saves one entry of three for each task.
-- FIGURES
--
-- An index is built while nobody can insert: four seconds for each million rows of a large table. Who cannot wait makes both
-- beforehand with CREATE INDEX CONCURRENTLY, by the same name: docs/operations.md, upgrades.

-- One index for kind, queue, status and time of insertion, in any combination: a list that leaves some of them
-- open merges the heads of the groups there are, which functions/task_groups.sql finds by one probe each.
create index if not exists tasks_listed on rowbell.tasks (kind, queue, status, created_at, id) where status <> 'PROCESSING';
comment on index rowbell.tasks_listed is
  'Tasks by kind, queue and status, newest first, those that run left out: for lists (rowbell.find_tasks) and bulk retries.';

drop index rowbell.tasks_created_by;
create index if not exists tasks_by_author on rowbell.tasks (created_by, created_at, id) where status <> 'PROCESSING';
comment on index rowbell.tasks_by_author is 'Tasks of one subject, newest first, those that run left out.';

-- What is shared with an audience, newest first. A GIN index on the array has no order: a list of twenty tasks read all
-- that were ever shared with the reader, and each of the three writes of a task paid for it. A row here is
-- written once, and only for tasks that have an audience.
drop index rowbell.tasks_audience;
create table rowbell.audiences (
  audience   text        not null,
  created_at timestamptz not null,
  task_id    bigint      not null,
  constraint audiences_pkey primary key (audience, created_at, task_id)
);
comment on table rowbell.audiences is
  'Which tasks each audience may see: rowbell.tasks.audience turned round, for lists. Kept by a trigger.';
comment on column rowbell.audiences.audience is 'One of the names in rowbell.tasks.audience.';
comment on column rowbell.audiences.created_at is 'As in rowbell.tasks.';
comment on column rowbell.audiences.task_id is 'Which task.';
comment on constraint audiences_pkey on rowbell.audiences is 'An audience sees a task once; newest last.';

-- From here on the trigger keeps it, which is made in this same transaction.
lock table rowbell.tasks in share row exclusive mode;
insert into rowbell.audiences
select distinct a.audience, t.created_at, t.id from rowbell.tasks t cross join lateral unnest(t.audience) a (audience)
where t.audience <> '{}';

create type rowbell.task_filter as (
  kinds text[], queues text[], statuses rowbell.task_status[], ids bigint[], created_by text[], error_types text[],
  created_after timestamptz, created_before timestamptz, finished_after timestamptz, finished_before timestamptz,
  text text);
comment on type rowbell.task_filter is
  'Which tasks: all that is given must hold, null means any. after: at that instant or later; text: in the payload or the description, whatever its case.';

-- They take a text to look for, from here on; the files in functions/ make them anew.
drop function if exists rowbell.retry_where(text[], text[], text[], bigint[], rowbell.task_status[], text[], timestamptz, timestamptz, timestamptz, timestamptz, boolean, integer, boolean, timestamptz);
drop function if exists rowbell.cancel_where(text[], text[], text[], bigint[], rowbell.task_status[], text[], timestamptz, timestamptz, boolean, integer, boolean, timestamptz);
