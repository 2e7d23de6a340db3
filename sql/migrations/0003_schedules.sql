-- Recurring tasks: a row says what to enqueue and when.

create table rowbell.schedules (
  name            text collate "C" not null,
  kind            text collate "C" not null,
  payload         jsonb       not null default '{}',
  description     text,
  queue           text collate "C" not null default 'default',
  priority        integer     not null default 0,
  max_attempts    integer,
  timeout         interval,
  unique_key      text collate "C",
  concurrency_key text collate "C",
  audience        text[]      not null default '{}',
  cron            text,
  every           interval,
  time_zone       text        not null default 'UTC',
  missed          text collate "C" not null default 'once',
  starts_at       timestamptz not null default now(),
  paused_at       timestamptz,
  paused_by       text,
  source          text collate "C" not null default 'sql',
  declared_at     timestamptz,
  changed_at      timestamptz not null default clock_timestamp(),
  next_run_at     timestamptz,
  last_run_at     timestamptz,
  last_task       bigint,
  problem         text,
  created_by      text        not null
    default coalesce(nullif(current_setting('rowbell.subject', true), ''), session_user),
  created_at      timestamptz not null default now(),

  constraint schedules_pkey primary key (name),
  constraint name_is_a_name check (case when name ~ '^[a-z][a-z0-9_]*$' and length(name) <= 63 then true
    else rowbell.refuse('name_is_a_name', 'name', format('a schedule cannot be named %L', left(name, 80)),
      'Use a-z, 0-9 and _, at most 63 characters: report_nightly.', 'schedules') end),
  constraint cron_or_every check (case when (cron is null) <> (every is null) then true
    else rowbell.refuse('cron_or_every', 'cron', 'a schedule has either cron or every',
      'Give cron (30 2 * * *) with a time_zone, or every (interval ''15 minutes''), and leave the other null.', 'schedules') end),
  constraint cron_has_five_fields check (case
    when cron is null or cron ~ '^\s*[0-9A-Za-z*/,#-]+(\s+[0-9A-Za-z*/,#-]+){4}\s*$' and length(cron) <= 200 then true
    else rowbell.refuse('cron_has_five_fields', 'cron', format('cron %L has not five fields', left(cron, 80)),
      'Write minute, hour, day, month and weekday: 30 2 * * MON-FRI.', 'schedules') end),
  constraint every_is_within_reach check (case
    when every is null
      or every between '1 second' and '366 days' and date_trunc('month', every) = interval '0' then true
    else rowbell.refuse('every_is_within_reach', 'every', format('every %s is out of reach', every),
      'Use an interval from 1 second to 366 days; for months and years write cron: 0 6 1 * *.', 'schedules') end),
  constraint missed_is_known check (case when missed in ('skip', 'once', 'all') then true
    else rowbell.refuse('missed_is_known', 'missed', format('missed %L makes no sense', left(missed, 80)),
      'Use skip (no task for missed runs), once (one for all of them) or all (one for each).', 'schedules') end),
  constraint source_is_known check (case when source in ('sql', 'code') then true
    else rowbell.refuse('source_is_known', 'source', format('source %L makes no sense', left(source, 80)),
      'Use sql (kept by people) or code (kept in step with @task).', 'schedules') end),
  constraint times_are_within_reach check (case
    when starts_at between '2000-01-01+00' and '2200-01-01+00'
      and (next_run_at is null or next_run_at between '2000-01-01+00' and '2200-01-01+00') then true
    else rowbell.refuse('times_are_within_reach', 'starts_at', 'starts_at or next_run_at is out of reach',
      'Use an instant between the years 2000 and 2200, or leave it out.', 'schedules') end),

  -- As on rowbell.tasks: what a tick enqueues must not be refused there.
  constraint kind_is_named check (case when kind ~ '^[a-z][a-z0-9_]*$' and length(kind) <= 63 then true
    else rowbell.refuse('kind_is_named', 'kind', format('kind %L is not a name', left(kind, 80)),
      'Write module_action in a-z, 0-9 and _, at most 63 characters: send_email.', 'schedules') end),
  constraint queue_is_named check (case when queue ~ '^[a-z][a-z0-9_]*$' and length(queue) <= 63 then true
    else rowbell.refuse('queue_is_named', 'queue', format('queue %L is not a name', left(queue, 80)),
      'Use a-z, 0-9 and _, at most 63 characters: reports_nightly.', 'schedules') end),
  constraint payload_is_small check (case when octet_length(payload::text) <= 65536 then true
    else rowbell.refuse('payload_is_small', 'payload',
      format('the payload has %s bytes as JSON, the limit is 65536', octet_length(payload::text)),
      'A task carries keys and ids: keep the file elsewhere, and put its key into the payload.', 'schedules') end),
  constraint priority_is_within_reach check (case when priority between -100 and 100 then true
    else rowbell.refuse('priority_is_within_reach', 'priority', format('priority %s is out of reach', priority),
      'Use -100 to 100; higher runs first.', 'schedules') end),
  constraint max_attempts_is_positive check (case when max_attempts is null or max_attempts between 1 and 1000 then true
    else rowbell.refuse('max_attempts_is_positive', 'max_attempts', format('max_attempts %s makes no sense', max_attempts),
      'Use 1 to 1000, or leave it out to take the kind''s.', 'schedules') end),
  constraint timeout_is_positive check (case
    when timeout is null or timeout between '1 millisecond' and '7 days' then true
    else rowbell.refuse('timeout_is_positive', 'timeout', format('timeout %s makes no sense', timeout),
      'Use an interval up to 7 days, or leave it out to take the kind''s.', 'schedules') end),
  constraint keys_are_short check (case
    when (unique_key is null or length(unique_key) between 1 and 200)
      and (concurrency_key is null or length(concurrency_key) between 1 and 200) then true
    else rowbell.refuse('keys_are_short', 'unique_key', 'a unique_key or concurrency_key has 1 to 200 characters',
      'Shorten it, or leave it out.', 'schedules') end),
  constraint description_is_short check (case when description is null or length(description) <= 1000 then true
    else rowbell.refuse('description_is_short', 'description', format('the description has %s characters', length(description)),
      'Use at most 1000 characters.', 'schedules') end),
  constraint audience_is_listed check (case
    when audience = '{}' then true
    when array_ndims(audience) = 1 and cardinality(audience) <= 100 and array_position(audience, null) is null
      and octet_length(array_to_string(audience, '')) <= 8192 then true
    else rowbell.refuse('audience_is_listed', 'audience', 'the audience is no list of at most 100 names',
      'Use at most 100 names, none of them null, 8 KiB in all.', 'schedules') end),
  constraint created_by_is_short check (case when length(created_by) between 1 and 200 then true
    else rowbell.refuse('created_by_is_short', 'created_by', format('created_by has %s characters', length(created_by)),
      'Use 1 to 200 characters, or leave it out.', 'schedules') end)
) with (fillfactor = 70);  -- every tick rewrites its row

create index schedules_next on rowbell.schedules (next_run_at) where paused_at is null and problem is null;

comment on table rowbell.schedules is 'Recurring tasks. INSERT name, kind and cron or every, and each time a task is enqueued. See rowbell.schedule_overview.';
comment on column rowbell.schedules.name is 'INSERT: its name; the kind''s if it was declared in code.';
comment on column rowbell.schedules.kind is 'INSERT: the kind of its tasks.';
comment on column rowbell.schedules.payload is 'INSERT: their payload.';
comment on column rowbell.schedules.description is 'INSERT: what they are for, in words, at most 1000 characters.';
comment on column rowbell.schedules.queue is 'INSERT: which queue they wait in.';
comment on column rowbell.schedules.priority is 'INSERT: -100 to 100, higher runs first within a queue.';
comment on column rowbell.schedules.max_attempts is 'INSERT: failures until such a task is FAILED. Null: the kind''s.';
comment on column rowbell.schedules.timeout is 'INSERT: how long one attempt may take. Null: the kind''s, or no limit.';
comment on column rowbell.schedules.unique_key is 'INSERT: no further task is enqueued while one with this key is open, so that long runs never overlap.';
comment on column rowbell.schedules.concurrency_key is 'INSERT: as in rowbell.tasks; long runs then wait for one another.';
comment on column rowbell.schedules.audience is 'INSERT: who else may see the tasks through the API.';
comment on column rowbell.schedules.cron is 'INSERT: minute, hour, day, month and weekday: 30 2 * * MON-FRI. Times of day that the clocks skip run once after the gap; those that they show twice run once.';
comment on column rowbell.schedules.every is 'INSERT: or an interval, from 1 second to 366 days, counted from starts_at in seconds: a day is 24 hours.';
comment on column rowbell.schedules.time_zone is 'INSERT: whose clocks cron means, an IANA name: Europe/Berlin.';
comment on column rowbell.schedules.missed is 'INSERT: what becomes of runs that are more than 60 s late, or whose next one has come: skip (nothing), once (one task, for the latest) or all (one for each, 1000 at the most).';
comment on column rowbell.schedules.starts_at is 'INSERT: no run before this instant; every counts from it.';
comment on column rowbell.schedules.paused_at is 'Since when it enqueues nothing; null: it does. Use rowbell.pause_schedule(name) and rowbell.resume_schedule(name).';
comment on column rowbell.schedules.paused_by is 'Who paused it.';
comment on column rowbell.schedules.source is 'sql: people keep it. code: workers keep it in step with @task, until somebody changes it here, which makes it sql.';
comment on column rowbell.schedules.declared_at is 'Kept by the service: when a live worker last had it in its code. After a day without one it enqueues nothing.';
comment on column rowbell.schedules.changed_at is 'Kept by the service: when its times were last changed; a tick that was planned before does nothing.';
comment on column rowbell.schedules.next_run_at is 'Kept by the service: the next tick. Null: a worker has yet to compute it.';
comment on column rowbell.schedules.last_run_at is 'Kept by the service: the run that was enqueued last.';
comment on column rowbell.schedules.last_task is 'Kept by the service: its task.';
comment on column rowbell.schedules.problem is 'Kept by the service: why there is no next run, in words. Null: there is one.';
comment on column rowbell.schedules.created_by is 'INSERT: who asked for it. Default: the API subject, or the SQL role.';
comment on column rowbell.schedules.created_at is 'Kept by the service: when the row was made.';
comment on index rowbell.schedules_next is 'The next ticks.';
comment on constraint schedules_pkey on rowbell.schedules is 'One row a schedule.';
comment on constraint name_is_a_name on rowbell.schedules is 'a-z, 0-9 and _, at most 63 characters.';
comment on constraint cron_or_every on rowbell.schedules is 'One of the two.';
comment on constraint cron_has_five_fields on rowbell.schedules is 'Five fields; a worker reads them, and says what is wrong in `problem`.';
comment on constraint every_is_within_reach on rowbell.schedules is '1 second to 366 days, without months.';
comment on constraint missed_is_known on rowbell.schedules is 'skip, once or all.';
comment on constraint source_is_known on rowbell.schedules is 'sql or code.';
comment on constraint times_are_within_reach on rowbell.schedules is 'Years 2000 to 2200.';
comment on constraint kind_is_named on rowbell.schedules is 'As on rowbell.tasks.';
comment on constraint queue_is_named on rowbell.schedules is 'As on rowbell.tasks.';
comment on constraint payload_is_small on rowbell.schedules is 'As on rowbell.tasks.';
comment on constraint priority_is_within_reach on rowbell.schedules is 'As on rowbell.tasks.';
comment on constraint max_attempts_is_positive on rowbell.schedules is 'As on rowbell.tasks.';
comment on constraint timeout_is_positive on rowbell.schedules is 'As on rowbell.tasks.';
comment on constraint keys_are_short on rowbell.schedules is 'As on rowbell.tasks.';
comment on constraint description_is_short on rowbell.schedules is 'As on rowbell.tasks.';
comment on constraint audience_is_listed on rowbell.schedules is 'As on rowbell.tasks.';
comment on constraint created_by_is_short on rowbell.schedules is 'As on rowbell.tasks.';
