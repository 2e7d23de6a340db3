-- Limits, dependencies, batches, kept attempts. The two indexes on waiting and running rows are made
-- anew: that takes a lock on rowbell.tasks for as long as it takes to read the table once.

alter table rowbell.tasks
  add column is_limited      boolean          not null default false,
  add column concurrency_key text collate "C",
  add column after           bigint[],
  add column after_batch     text collate "C",
  add column after_failure   text collate "C" not null default 'cancel',
  add column parents         text collate "C",
  add column batch           text collate "C",
  add column schedule        text collate "C";

-- One CHECK instead of many: PostgreSQL reads the text of each anew for every statement, and with their
-- sentences that took nine tenths of a single-row INSERT. functions/is_sound.sql is the real one.
create function rowbell.is_sound(task rowbell.tasks) returns boolean language sql immutable as 'select true';
alter table rowbell.tasks
  drop constraint kind_is_named, drop constraint queue_is_named, drop constraint payload_is_small,
  drop constraint result_is_small, drop constraint priority_is_within_reach, drop constraint run_at_is_within_reach,
  drop constraint attempts_are_counted, drop constraint max_attempts_is_positive, drop constraint timeout_is_positive,
  drop constraint unique_key_is_short, drop constraint description_is_short, drop constraint audience_is_listed,
  drop constraint created_by_is_short, drop constraint progress_is_a_fraction,
  add constraint task_is_sound check (rowbell.is_sound(tasks.*)) not valid;
alter table rowbell.tasks validate constraint task_is_sound;

-- A row with parents is ready only when they are met; a row with a key lies apart, key by key, so that
-- the rows of a key that is at its limit are stepped over by one probe. The two indexes on such rows
-- say "has a key" in words of their own: each statement names one of them, and the planner, which may
-- know nothing of the table yet, cannot take the other.
drop index rowbell.tasks_ready;
create index tasks_ready on rowbell.tasks (queue, kind, priority, run_at, id)
  where status = 'PENDING' and concurrency_key is null and ((after is null and after_batch is null) or parents = 'met');
create index tasks_ready_keyed on rowbell.tasks (queue, kind, priority, run_at, id)
  where status = 'PENDING' and concurrency_key <> '' and ((after is null and after_batch is null) or parents = 'met');
create index tasks_ready_keys on rowbell.tasks (queue, kind, priority, hashtext(concurrency_key), concurrency_key, run_at, id)
  where status = 'PENDING' and hashtext(concurrency_key) is not null and ((after is null and after_batch is null) or parents = 'met');
create index tasks_unseen on rowbell.tasks (queue, id)
  where status = 'PENDING' and (after is not null or after_batch is not null) and parents is null;
drop index rowbell.tasks_running;
create index tasks_running on rowbell.tasks (queue, kind, worker) where status = 'PROCESSING';
create index tasks_held on rowbell.tasks (id) where status = 'PENDING' and parents = 'open';
create index tasks_running_keys on rowbell.tasks (concurrency_key) where status = 'PROCESSING' and concurrency_key is not null;
create index tasks_batches on rowbell.tasks (batch, status) where batch is not null;

create table rowbell.dependencies (
  child  bigint not null,
  parent bigint,
  batch  text collate "C",
  constraint parent_or_batch check ((parent is null) <> (batch is null))
);
create unique index dependencies_parent on rowbell.dependencies (parent, child) where parent is not null;
create unique index dependencies_batch on rowbell.dependencies (batch, child) where batch is not null;
create index dependencies_child on rowbell.dependencies (child);

alter table rowbell.queues
  add column max_running integer,
  add column rate        double precision,
  add column burst       integer,
  add constraint max_running_is_positive check (max_running is null or max_running >= 0),
  add constraint rate_is_positive check (rate is null or (rate > 0 and rate <= 1e6)),
  add constraint burst_is_positive check (burst is null or burst >= 1);

alter table rowbell.kinds
  add column max_running         integer,
  add column max_running_per_key integer,
  add column rate                double precision,
  add column burst               integer,
  add column on_failed           text collate "C",
  add column on_failed_payload   jsonb not null default '{}',
  add constraint max_running_is_positive check (max_running is null or max_running >= 0),
  add constraint max_running_per_key_is_positive check (max_running_per_key is null or max_running_per_key >= 0),
  add constraint rate_is_positive check (rate is null or (rate > 0 and rate <= 1e6)),
  add constraint burst_is_positive check (burst is null or burst >= 1),
  add constraint on_failed_is_named check (on_failed is null or (on_failed ~ '^[a-z][a-z0-9_]*$' and length(on_failed) <= 63));

create table rowbell.keys (
  name        text collate "C" not null,
  max_running integer not null,
  constraint keys_pkey primary key (name),
  constraint max_running_is_positive check (max_running >= 0)
);

create table rowbell.buckets (
  scope     text collate "C" not null,
  name      text collate "C" not null,
  tokens    double precision not null,
  filled_at timestamptz      not null,
  constraint buckets_pkey primary key (scope, name),
  constraint scope_is_known check (scope in ('queue', 'kind'))
) with (fillfactor = 50);  -- every claim of a limited queue rewrites its row

create table rowbell.attempts (
  task_id    bigint      not null,
  attempt    integer     not null,
  worker     bigint,
  started_at timestamptz,
  ended_at   timestamptz not null default now(),
  outcome    text collate "C" not null,
  error      jsonb,
  lines      jsonb       not null default '[]',
  constraint attempts_pkey primary key (task_id, attempt),
  constraint attempts_task_fkey foreign key (task_id) references rowbell.tasks (id) on delete cascade,
  constraint outcome_is_known check (outcome in ('COMPLETED', 'FAILED', 'CANCELLED', 'RELEASED', 'LOST'))
);

comment on column rowbell.tasks.concurrency_key is 'INSERT: tasks with the same key run one at a time, or as many as rowbell.keys or the kind''s max_running_per_key allow; keys share the slots fairly.';
comment on column rowbell.tasks.after is 'INSERT: ids of tasks that must be COMPLETED first.';
comment on column rowbell.tasks.after_batch is 'INSERT: runs when every task of this batch is final, however it ended.';
comment on column rowbell.tasks.after_failure is 'INSERT: what to do when a task of `after` ends FAILED or CANCELLED: cancel (the default), run (all the same) or wait (for its retry).';
comment on column rowbell.tasks.batch is 'INSERT: a name that this task shares with others: select * from rowbell.batch_overview.';
comment on column rowbell.tasks.parents is 'Kept by the service: open while it waits for `after` or `after_batch`, met when it need not any more; null: not looked at yet, or it has none.';
comment on column rowbell.tasks.schedule is 'Kept by the service: which of rowbell.schedules enqueued it.';
comment on column rowbell.tasks.is_limited is 'Kept by the service: its running counts against a limit, so its end rings the bell.';
comment on constraint task_is_sound on rowbell.tasks is 'Every column within its limits; a refusal names the column and what to do. The limits: sql/functions/refuse_unsound.sql.';
comment on index rowbell.tasks_ready is 'The waiting rows without a concurrency_key, in the order of claims.';
comment on index rowbell.tasks_ready_keyed is 'The waiting rows with a concurrency_key, by age: the claim when few are due, and the next run_at.';
comment on index rowbell.tasks_ready_keys is 'The waiting rows with a concurrency_key, key by key: the claim when many are due.';
comment on index rowbell.tasks_unseen is 'Rows whose parents nobody has looked at yet.';
comment on index rowbell.tasks_held is 'Rows that wait for their parents.';
comment on index rowbell.tasks_running is 'The running rows: counted for limits, and found by worker for sweeps.';
comment on index rowbell.tasks_running_keys is 'The running rows of a concurrency_key.';
comment on index rowbell.tasks_batches is 'The rows of a batch by status.';

comment on table rowbell.dependencies is 'Which waiting tasks wait for what. Kept by the service; a row goes when its parent is met.';
comment on column rowbell.dependencies.child is 'The task that waits.';
comment on column rowbell.dependencies.parent is 'The task that it waits for; null: it waits for a batch.';
comment on column rowbell.dependencies.batch is 'The batch that it waits for; null: it waits for a task.';
comment on constraint parent_or_batch on rowbell.dependencies is 'One of the two.';
comment on index rowbell.dependencies_parent is 'Who waits for a task.';
comment on index rowbell.dependencies_batch is 'Who waits for a batch.';
comment on index rowbell.dependencies_child is 'What a task waits for.';

comment on column rowbell.queues.max_running is 'How many of its tasks all workers together run at once; null: no limit, 0: none.';
comment on column rowbell.queues.rate is 'How many of its tasks are started a second, on average (100 a minute: 100/60.0); null: no limit.';
comment on column rowbell.queues.burst is 'How many may be started at once after a pause; null: what a second brings, one at the least.';
comment on constraint max_running_is_positive on rowbell.queues is '0 or more.';
comment on constraint rate_is_positive on rowbell.queues is 'Above 0.';
comment on constraint burst_is_positive on rowbell.queues is '1 or more.';
comment on column rowbell.kinds.max_running is 'How many of its tasks all workers together run at once; null: no limit, 0: none.';
comment on column rowbell.kinds.max_running_per_key is 'How many tasks of one concurrency_key run at once, unless rowbell.keys says otherwise; null: one.';
comment on column rowbell.kinds.rate is 'How many of its tasks are started a second, on average; null: no limit.';
comment on column rowbell.kinds.burst is 'How many may be started at once after a pause; null: what a second brings, one at the least.';
comment on column rowbell.kinds.on_failed is 'The kind of the task that is enqueued when a task of this kind becomes FAILED.';
comment on column rowbell.kinds.on_failed_payload is 'Its payload, to which the failed task is added: as json for http_request, as failed_task for others.';
comment on constraint max_running_is_positive on rowbell.kinds is '0 or more.';
comment on constraint max_running_per_key_is_positive on rowbell.kinds is '0 or more.';
comment on constraint rate_is_positive on rowbell.kinds is 'Above 0.';
comment on constraint burst_is_positive on rowbell.kinds is '1 or more.';
comment on constraint on_failed_is_named on rowbell.kinds is 'The name of a kind.';

comment on table rowbell.keys is 'Concurrency keys with a limit of their own. A key needs no row here.';
comment on column rowbell.keys.name is 'As in rowbell.tasks.concurrency_key.';
comment on column rowbell.keys.max_running is 'How many of its tasks run at once; 0: none.';
comment on constraint keys_pkey on rowbell.keys is 'One row a key.';
comment on constraint max_running_is_positive on rowbell.keys is '0 or more.';

comment on table rowbell.buckets is 'Token buckets of the queues and kinds that have a rate. Kept by the service; emptied at will.';
comment on column rowbell.buckets.scope is 'queue or kind.';
comment on column rowbell.buckets.name is 'Its name.';
comment on column rowbell.buckets.tokens is 'How many tasks might have been started at once, at filled_at.';
comment on column rowbell.buckets.filled_at is 'When that was.';
comment on constraint buckets_pkey on rowbell.buckets is 'One bucket a queue or kind.';
comment on constraint scope_is_known on rowbell.buckets is 'queue or kind.';

comment on table rowbell.attempts is 'Attempts worth keeping: those that failed, were lost, or wrote lines. Deleted with their tasks.';
comment on column rowbell.attempts.task_id is 'Which task.';
comment on column rowbell.attempts.attempt is 'Which attempt at it, 1 for the first.';
comment on column rowbell.attempts.worker is 'Which of rowbell.workers ran it.';
comment on column rowbell.attempts.started_at is 'When it was claimed.';
comment on column rowbell.attempts.ended_at is 'When its outcome was written.';
comment on column rowbell.attempts.outcome is 'COMPLETED, FAILED, CANCELLED, RELEASED (by a drain) or LOST (with its worker).';
comment on column rowbell.attempts.error is 'What was raised: type, message, traceback.';
comment on column rowbell.attempts.lines is 'The last lines that the handler wrote with context.log: at, text and fields.';
comment on constraint attempts_pkey on rowbell.attempts is 'An attempt is kept once.';
comment on constraint attempts_task_fkey on rowbell.attempts is 'They go with their task.';
comment on constraint outcome_is_known on rowbell.attempts is 'COMPLETED, FAILED, CANCELLED, RELEASED or LOST.';

-- Their results have other columns from here on; the files in functions/ make them anew.
drop function if exists rowbell.strata(text, text[]);
drop function if exists rowbell.waiting_queues(timestamptz);
drop function if exists rowbell.fail(bigint[], integer[], text[], double precision[], timestamptz);
