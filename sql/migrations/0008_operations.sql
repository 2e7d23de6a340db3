-- For operators: what each process counts, errors by fingerprint, the stacks of running handlers.

alter table rowbell.workers add column tally jsonb, add column swept_at timestamptz;
comment on column rowbell.workers.swept_at is 'When one of its beats last told that sweeps had found tasks which no bell had announced.';
comment on column rowbell.workers.tally is
  'What its process had counted at its last beat: bells heard, looks, tasks that a sweep found, how its listener stands.';

-- Written by the fold, so counting errors costs neither those who fail nor those who look.
create table rowbell.error_hours (
  hour        timestamptz      not null,
  fingerprint text collate "C" not null,
  queue       text collate "C" not null,
  kind        text collate "C" not null,
  error_type  text             not null,
  failures    integer          not null,
  first_at    timestamptz      not null,
  last_at     timestamptz      not null,
  last_task   bigint           not null,
  last_attempt integer         not null,
  constraint error_hours_pkey primary key (hour, fingerprint, queue)
);
comment on table rowbell.error_hours is 'The failures of the journal counted by hour and fingerprint. Kept as long as the journal.';
comment on column rowbell.error_hours.hour is 'Its beginning.';
comment on column rowbell.error_hours.fingerprint is 'What errors of one kind, type, place and wording share: rowbell.fingerprint.';
comment on column rowbell.error_hours.queue is 'Of these tasks.';
comment on column rowbell.error_hours.kind is 'Of these tasks.';
comment on column rowbell.error_hours.error_type is 'The name of the exception.';
comment on column rowbell.error_hours.failures is 'Attempts that failed so.';
comment on column rowbell.error_hours.first_at is 'The first of them.';
comment on column rowbell.error_hours.last_at is 'The last of them.';
comment on column rowbell.error_hours.last_task is 'The task of the last one.';
comment on column rowbell.error_hours.last_attempt is 'Its attempt: the error is in rowbell.attempts.';
comment on constraint error_hours_pkey on rowbell.error_hours is 'One row an hour, fingerprint and queue.';

-- Rows that are not FAILED cost nothing here but the look at their status.
create index tasks_failed on rowbell.tasks ((error ->> 'fingerprint'), finished_at) where status = 'FAILED';
comment on index rowbell.tasks_failed is 'The FAILED tasks of an error, for its count and for the retry of all of them.';

-- Lost in a crash: nobody waits for an answer that long.
create unlogged table rowbell.stacks (
  task_id bigint      not null,
  attempt integer     not null,
  worker  bigint      not null,
  at      timestamptz not null default clock_timestamp(),
  stack   text,
  reason  text,
  constraint stacks_pkey primary key (task_id)
);
comment on table rowbell.stacks is 'Where running handlers were when somebody asked. Answers of workers, deleted after a minute.';
comment on column rowbell.stacks.task_id is 'Which task.';
comment on column rowbell.stacks.attempt is 'Which attempt at it.';
comment on column rowbell.stacks.worker is 'Who answered.';
comment on column rowbell.stacks.at is 'When.';
comment on column rowbell.stacks.stack is 'The frames of the handler, the outermost first; null: see reason.';
comment on column rowbell.stacks.reason is 'Why there are none.';
comment on constraint stacks_pkey on rowbell.stacks is 'One answer a task.';

-- They have other parameters or results from here on; the files in functions/ make them anew.
drop function if exists rowbell.heartbeat(bigint, integer, boolean, timestamptz);
drop function if exists rowbell.retry_where(text[], text[], text[], bigint[], rowbell.task_status[], text[], timestamptz, timestamptz, timestamptz, timestamptz, boolean, integer, boolean, timestamptz);
drop function if exists rowbell.cancel_where(text[], text[], text[], bigint[], rowbell.task_status[], text[], timestamptz, timestamptz, boolean, integer, boolean, timestamptz);

-- The entries of one task. A Bloom filter for each 32 pages, made when they are full (rowbell.summarize_journal):
-- an entry costs what it cost without, where a btree costs 1 µs of the 30 that the change of a task takes.
alter table rowbell.journal_state add column summarized jsonb not null default '{}';
comment on column rowbell.journal_state.summarized is 'Up to which page the index journal_task of each partition was made.';
do $$
declare
  name text;
begin
  for name in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'rowbell.journal'::regclass loop
    execute format('create index %I on rowbell.%I using brin (task_id int8_bloom_ops (n_distinct_per_range = 2000, false_positive_rate = 0.005)) with (pages_per_range = 32)',
      name || '_task', name);
    execute format('comment on index rowbell.%I is %L', name || '_task', 'The entries of one task.');
  end loop;
end $$;
create index journal_task on rowbell.journal
  using brin (task_id int8_bloom_ops (n_distinct_per_range = 2000, false_positive_rate = 0.005)) with (pages_per_range = 32);
comment on index rowbell.journal_task is 'The entries of one task.';
