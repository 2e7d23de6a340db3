-- The tables. Run once; never edited after a release. What is code (functions, triggers,
-- views, grants) lies in the folders beside this one and is re-applied whenever it changes.

create schema if not exists rowbell;
comment on schema rowbell is
  'Rowbell, a task service: insert a row into rowbell.tasks, and it runs. Start with \d+ rowbell.tasks and sql/README.md.';

-- The CHECKs below call it for a row that they refuse: a CHECK alone cannot carry a hint.
create function rowbell.refuse(
  check_name text, column_name text, sentence text, remedy text, table_name text default 'tasks')
returns boolean language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  raise exception using
    errcode = 'check_violation', message = sentence, hint = remedy,
    schema = 'rowbell', table = table_name, column = column_name, constraint = check_name;
end $$;
comment on function rowbell.refuse(text, text, text, text, text) is
  'Raises check_violation with a sentence and a hint. Called by the CHECKs of rowbell.tasks and rowbell.queues for rows that they refuse.';

create type rowbell.task_status as enum ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED');
comment on type rowbell.task_status is
  'Where a task stands. PENDING and PROCESSING are open, the others final. Scheduled, due, retrying and dead are questions that views answer.';

-- Names and keys are compared by bytes: an upgrade of the C library must not damage an index.
create table rowbell.tasks (
  id                  bigint generated always as identity,
  run_at              timestamptz         not null default now(),
  created_at          timestamptz         not null default now(),
  started_at          timestamptz,
  finished_at         timestamptz,
  cancel_requested_at timestamptz,
  worker              bigint,
  status              rowbell.task_status not null default 'PENDING',
  priority            integer             not null default 0,
  attempt             integer             not null default 0,
  failures            integer             not null default 0,
  crashes             integer             not null default 0,
  max_attempts        integer,
  progress            real,
  timeout             interval,
  queue               text collate "C"    not null default 'default',
  kind                text collate "C"    not null,
  unique_key          text collate "C",
  description         text,
  created_by          text                not null
    default coalesce(nullif(current_setting('rowbell.subject', true), ''), session_user),
  audience            text[]              not null default '{}',
  payload             jsonb               not null default '{}',
  result              jsonb,
  error               jsonb,

  constraint tasks_pkey primary key (id),
  -- A pattern with {0,62} in it takes ten times as long, on every INSERT and UPDATE.
  constraint kind_is_named check (case when kind ~ '^[a-z][a-z0-9_]*$' and length(kind) <= 63 then true
    else rowbell.refuse('kind_is_named', 'kind', format('kind %L is not a name', left(kind, 80)),
      'Write module_action in a-z, 0-9 and _, at most 63 characters: send_email.') end),
  constraint queue_is_named check (case when queue ~ '^[a-z][a-z0-9_]*$' and length(queue) <= 63 then true
    else rowbell.refuse('queue_is_named', 'queue', format('queue %L is not a name', left(queue, 80)),
      'Use a-z, 0-9 and _, at most 63 characters: reports_nightly.') end),
  -- A claim must not turn 64 KiB of jsonb into text again, so later updates look at the size as stored.
  constraint payload_is_small check (case
    when attempt > 0 and pg_column_size(payload) <= 131072 then true
    when octet_length(payload::text) <= 65536 then true
    else rowbell.refuse('payload_is_small', 'payload',
      format('the payload has %s bytes as JSON, the limit is 65536', octet_length(payload::text)),
      'A task carries keys and ids: keep the file elsewhere, and put its key into the payload.') end),
  constraint result_is_small check (case
    when result is null or octet_length(result::text) <= 65536 then true
    else rowbell.refuse('result_is_small', 'result',
      format('the result has %s bytes as JSON, the limit is 65536', octet_length(result::text)),
      'Return a key or a count: keep the data elsewhere.') end),
  constraint priority_is_within_reach check (case when priority between -100 and 100 then true
    else rowbell.refuse('priority_is_within_reach', 'priority', format('priority %s is out of reach', priority),
      'Use -100 to 100; higher runs first.') end),
  constraint run_at_is_within_reach check (case when run_at between '2000-01-01+00' and '2200-01-01+00' then true
    else rowbell.refuse('run_at_is_within_reach', 'run_at', format('run_at %s is out of reach', run_at),
      'Use an instant between the years 2000 and 2200, or leave it out to run at once.') end),
  constraint attempts_are_counted check (case when attempt >= 0 and failures >= 0 and crashes >= 0 then true
    else rowbell.refuse('attempts_are_counted', 'attempt', 'attempt, failures and crashes cannot be negative',
      'Leave these columns out: the service keeps them.') end),
  constraint max_attempts_is_positive check (case when max_attempts is null or max_attempts between 1 and 1000 then true
    else rowbell.refuse('max_attempts_is_positive', 'max_attempts', format('max_attempts %s makes no sense', max_attempts),
      'Use 1 to 1000, or leave it out to take the kind''s.') end),
  constraint timeout_is_positive check (case
    when timeout is null or timeout between '1 millisecond' and '7 days' then true
    else rowbell.refuse('timeout_is_positive', 'timeout', format('timeout %s makes no sense', timeout),
      'Use an interval up to 7 days, or leave it out to take the kind''s.') end),
  constraint unique_key_is_short check (case when unique_key is null or length(unique_key) between 1 and 200 then true
    else rowbell.refuse('unique_key_is_short', 'unique_key', format('the unique_key has %s characters', length(unique_key)),
      'Use 1 to 200 characters, or leave it out.') end),
  constraint description_is_short check (case when description is null or length(description) <= 1000 then true
    else rowbell.refuse('description_is_short', 'description', format('the description has %s characters', length(description)),
      'Use at most 1000 characters.') end),
  constraint audience_is_listed check (case
    when audience = '{}' then true
    when array_ndims(audience) = 1 and cardinality(audience) <= 100 and array_position(audience, null) is null
      and octet_length(array_to_string(audience, '')) <= 8192 then true
    else rowbell.refuse('audience_is_listed', 'audience', 'the audience is no list of at most 100 names',
      'Use at most 100 names, none of them null, 8 KiB in all.') end),
  constraint created_by_is_short check (case when length(created_by) between 1 and 200 then true
    else rowbell.refuse('created_by_is_short', 'created_by', format('created_by has %s characters', length(created_by)),
      'Use 1 to 200 characters, or leave it out.') end),
  constraint progress_is_a_fraction check (case when progress is null or progress between 0 and 1 then true
    else rowbell.refuse('progress_is_a_fraction', 'progress', format('progress %s is no fraction', progress),
      'Use 0 to 1.') end)
);

-- Claims walk it kind by kind and priority by priority, so that rows that cannot be claimed now
-- (unknown kind, future run_at) are stepped over by one probe and never read one by one.
create index tasks_ready on rowbell.tasks (queue, kind, priority, run_at, id) where status = 'PENDING';
create index tasks_running on rowbell.tasks (worker) where status = 'PROCESSING';
create index tasks_finished on rowbell.tasks (finished_at) where finished_at is not null;
create unique index tasks_unique_key on rowbell.tasks (unique_key)
  where unique_key is not null and status in ('PENDING', 'PROCESSING');

-- A row is written three times in its short life and then not again: vacuum early and by count, so
-- that the head of tasks_ready holds few dead entries whatever the size of the table.
alter table rowbell.tasks set (
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
  autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

create table rowbell.queues (
  name       text collate "C" not null,
  paused_at  timestamptz,
  paused_by  text,
  created_at timestamptz not null default now(),
  constraint queues_pkey primary key (name),
  constraint queue_is_named check (case when name ~ '^[a-z][a-z0-9_]*$' and length(name) <= 63 then true
    else rowbell.refuse('queue_is_named', 'name', format('queue %L is not a name', left(name, 80)),
      'Use a-z, 0-9 and _, at most 63 characters: reports_nightly.', 'queues') end)
);

create table rowbell.kinds (
  name            text collate "C" not null,
  description     text        not null default '',
  max_attempts    integer     not null default 5,
  timeout         interval,
  registered_at   timestamptz not null default now(),
  last_started_at timestamptz not null default now(),
  constraint kinds_pkey primary key (name),
  constraint kind_is_named check (name ~ '^[a-z][a-z0-9_]*$' and length(name) <= 63),
  constraint max_attempts_is_positive check (max_attempts between 1 and 1000)
);

create table rowbell.workers (
  id          bigint generated always as identity,
  host        text        not null,
  process     integer     not null,
  version     text        not null,
  queues      text[]      not null,
  kinds       text[]      not null,
  slots       integer     not null,
  busy        integer     not null default 0,
  lease       interval    not null,
  started_at  timestamptz not null default now(),
  beat_at     timestamptz not null default now(),
  draining_at timestamptz,
  stopped_at  timestamptz,
  lost_at     timestamptz,
  constraint workers_pkey primary key (id)
) with (fillfactor = 50);  -- beats rewrite a row for ever: room for HOT updates

comment on table rowbell.tasks is
  'One row is one task. INSERT kind (and payload) and it runs at once; everything else has a default or is kept by the service.';
comment on column rowbell.tasks.id is 'Number of the task, given by the database; the same in SQL, logs and API.';
comment on column rowbell.tasks.kind is 'INSERT: which handler runs it, named module_action (send_email). Kinds that live workers know: select * from rowbell.kinds.';
comment on column rowbell.tasks.payload is 'INSERT: input of the handler, JSON of at most 64 KiB. Keys and ids, not files.';
comment on column rowbell.tasks.description is 'INSERT: what it is for, in words, at most 1000 characters.';
comment on column rowbell.tasks.queue is 'INSERT: which queue it waits in; a queue exists as soon as a row names it.';
comment on column rowbell.tasks.priority is 'INSERT: -100 to 100, higher runs first within a queue.';
comment on column rowbell.tasks.run_at is 'INSERT: not before this instant. The service moves it on for a retry.';
comment on column rowbell.tasks.max_attempts is 'INSERT: failures until it is FAILED, 1 to 1000. Null: the kind''s.';
comment on column rowbell.tasks.timeout is 'INSERT: how long one attempt may take. Null: the kind''s, or no limit.';
comment on column rowbell.tasks.unique_key is 'INSERT: at most one open task (PENDING or PROCESSING) has this key. Add ON CONFLICT DO NOTHING to insert only if there is none.';
comment on column rowbell.tasks.audience is 'INSERT: who else may see it through the API: subjects whose audiences overlap these.';
comment on column rowbell.tasks.created_by is 'INSERT: who asked for it. Default: the API subject, or the SQL role.';
comment on column rowbell.tasks.status is 'Kept by the service. PENDING, PROCESSING, COMPLETED, FAILED or CANCELLED.';
comment on column rowbell.tasks.attempt is 'Kept by the service: attempts begun; it only grows, and fences off late writes of older attempts.';
comment on column rowbell.tasks.failures is 'Kept by the service: attempts that failed; at max_attempts the task is FAILED.';
comment on column rowbell.tasks.crashes is 'Kept by the service: attempts lost with their worker; they do not count as failures.';
comment on column rowbell.tasks.worker is 'Kept by the service: which of rowbell.workers runs it, or ran it last.';
comment on column rowbell.tasks.progress is 'Kept by the service: 0 to 1, as the handler last reported it.';
comment on column rowbell.tasks.result is 'Kept by the service: what the handler returned, JSON of at most 64 KiB.';
comment on column rowbell.tasks.error is 'Kept by the service: the last failure: type, message, traceback, attempt, at.';
comment on column rowbell.tasks.cancel_requested_at is 'Kept by the service: when a cancel of the running task was asked for. Use rowbell.cancel(id).';
comment on column rowbell.tasks.created_at is 'Kept by the service: when the inserting transaction began.';
comment on column rowbell.tasks.started_at is 'Kept by the service: when the last attempt was claimed.';
comment on column rowbell.tasks.finished_at is 'Kept by the service: when it became COMPLETED, FAILED or CANCELLED. Rows are deleted after the retention (7 days).';
comment on index rowbell.tasks_ready is 'The waiting rows in the order of claims.';
comment on index rowbell.tasks_running is 'The running rows of a worker, for the sweep that rescues them.';
comment on index rowbell.tasks_finished is 'The finished rows by age, for the retention and for views.';
comment on index rowbell.tasks_unique_key is 'At most one open task has a unique_key.';

comment on table rowbell.queues is 'What is known of a queue beyond its tasks: whether it is paused. A queue needs no row here.';
comment on column rowbell.queues.name is 'Name of the queue, as in rowbell.tasks.queue.';
comment on column rowbell.queues.paused_at is 'Since when no task of the queue is claimed; null: it is not paused. Use rowbell.pause(queue) and rowbell.resume(queue).';
comment on column rowbell.queues.paused_by is 'Who paused it.';
comment on column rowbell.queues.created_at is 'When the row was made.';

comment on table rowbell.kinds is 'Kinds that workers have registered, with their defaults. A task of another kind waits until a worker knows it.';
comment on column rowbell.kinds.name is 'Name of the kind, as in rowbell.tasks.kind.';
comment on column rowbell.kinds.description is 'First line of the handler''s docstring.';
comment on column rowbell.kinds.max_attempts is 'For tasks that give none.';
comment on column rowbell.kinds.timeout is 'For tasks that give none; null: no limit.';
comment on column rowbell.kinds.registered_at is 'When a worker first knew it.';
comment on column rowbell.kinds.last_started_at is 'When a worker that knows it last started.';

comment on table rowbell.workers is 'Processes that run tasks. One that is silent for its lease is lost, and its tasks go back to PENDING.';
comment on column rowbell.workers.id is 'Number of the worker, as in rowbell.tasks.worker.';
comment on column rowbell.workers.host is 'Name of the machine.';
comment on column rowbell.workers.process is 'Process id on that machine.';
comment on column rowbell.workers.version is 'Version of Rowbell.';
comment on column rowbell.workers.queues is 'Queues that it serves; {*} is every queue.';
comment on column rowbell.workers.kinds is 'Kinds that it knows.';
comment on column rowbell.workers.slots is 'Tasks that it runs at once.';
comment on column rowbell.workers.busy is 'Tasks that it ran at its last beat.';
comment on column rowbell.workers.lease is 'Silence after which it is lost.';
comment on column rowbell.workers.started_at is 'When it registered.';
comment on column rowbell.workers.beat_at is 'Its last beat.';
comment on column rowbell.workers.draining_at is 'When it stopped claiming; null: it claims.';
comment on column rowbell.workers.stopped_at is 'When it signed off; null: it runs, or is lost.';
comment on column rowbell.workers.lost_at is 'When it was found silent; it can never finish a task after that.';

comment on constraint tasks_pkey on rowbell.tasks is 'An id is one task, for ever.';
comment on constraint kind_is_named on rowbell.tasks is 'module_action in a-z, 0-9 and _, at most 63 characters.';
comment on constraint queue_is_named on rowbell.tasks is 'a-z, 0-9 and _, at most 63 characters.';
comment on constraint payload_is_small on rowbell.tasks is 'At most 64 KiB as JSON.';
comment on constraint result_is_small on rowbell.tasks is 'At most 64 KiB as JSON.';
comment on constraint priority_is_within_reach on rowbell.tasks is '-100 to 100.';
comment on constraint run_at_is_within_reach on rowbell.tasks is 'Years 2000 to 2200: a delay of 1e18 s would make every claim fail.';
comment on constraint attempts_are_counted on rowbell.tasks is 'Counters are never negative.';
comment on constraint max_attempts_is_positive on rowbell.tasks is '1 to 1000, or null for the kind''s.';
comment on constraint timeout_is_positive on rowbell.tasks is 'Up to 7 days, or null for the kind''s.';
comment on constraint unique_key_is_short on rowbell.tasks is '1 to 200 characters.';
comment on constraint description_is_short on rowbell.tasks is 'At most 1000 characters.';
comment on constraint audience_is_listed on rowbell.tasks is 'At most 100 names, 8 KiB in all.';
comment on constraint created_by_is_short on rowbell.tasks is '1 to 200 characters.';
comment on constraint progress_is_a_fraction on rowbell.tasks is '0 to 1.';
comment on constraint queues_pkey on rowbell.queues is 'One row a queue.';
comment on constraint queue_is_named on rowbell.queues is 'a-z, 0-9 and _, at most 63 characters.';
comment on constraint kinds_pkey on rowbell.kinds is 'One row a kind.';
comment on constraint kind_is_named on rowbell.kinds is 'module_action in a-z, 0-9 and _, at most 63 characters.';
comment on constraint max_attempts_is_positive on rowbell.kinds is '1 to 1000.';
comment on constraint workers_pkey on rowbell.workers is 'An id is one worker, for ever.';
