-- Roles to grant to people and applications: grant rowbell_producer to shop;
-- Roles belong to the whole cluster, so another database may create them at the same time, and the
-- one who migrates may lack CREATEROLE: then somebody who has it runs this file.
do $$
declare
  role_name text;
begin
  foreach role_name in array array['rowbell_reader', 'rowbell_producer', 'rowbell_operator', 'rowbell_service', 'rowbell_viewer'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      begin
        execute format('create role %I nologin', role_name);
      exception when duplicate_object or unique_violation then
        null;
      end;
    end if;
  end loop;
exception when insufficient_privilege then
  raise warning 'the roles rowbell_reader, rowbell_producer, rowbell_operator, rowbell_service and rowbell_viewer are missing'
    using hint = 'Run sql/grants.sql as a role with CREATEROLE.';
end $$;

revoke all on all routines in schema rowbell from public;
grant execute on function rowbell.refuse(text, text, text, text, text), rowbell.refuse_unsound(rowbell.tasks), rowbell.add_audiences(bigint) to public;

do $$
declare
  statement text;
begin
  if (select count(*) from pg_roles
      where rolname in ('rowbell_reader', 'rowbell_producer', 'rowbell_operator', 'rowbell_service', 'rowbell_viewer')) < 5 then
    return;
  end if;
  foreach statement in array array[
    'grant usage on schema rowbell to rowbell_reader, rowbell_producer, rowbell_operator, rowbell_service',

    -- producer: inserts tasks, sees what became of them
    'grant select on rowbell.tasks, rowbell.task_overview, rowbell.batch_overview, rowbell.kinds, rowbell.callable_functions to rowbell_producer',
    'grant insert (kind, payload, description, queue, priority, run_at, max_attempts, timeout, unique_key, audience, created_by, concurrency_key, after, after_batch, after_failure, batch, traceparent) on rowbell.tasks to rowbell_producer',

    -- reader: sees everything
    'grant select on all tables in schema rowbell to rowbell_reader',
    'revoke select on rowbell.tokens from rowbell_reader',  -- nobody but the owner reads digests
    'grant execute on function rowbell.tail(bigint, integer) to rowbell_reader',
    'grant execute on procedure rowbell.wait(bigint, interval, rowbell.task_status, jsonb, jsonb) to rowbell_reader, rowbell_producer',
    'grant execute on function rowbell.health_of_triggers(timestamptz), rowbell.health_of_queues(timestamptz), rowbell.health_of_workers(timestamptz), rowbell.health_of_schedules(timestamptz), rowbell.health_of_journal(timestamptz), rowbell.health_of_sessions(timestamptz), rowbell.health_of_settings(timestamptz), rowbell.health_of_tables(timestamptz), rowbell.bell_problem() to rowbell_reader',
    'grant execute on function rowbell.explain(bigint), rowbell.queue_position(bigint, integer, timestamptz), rowbell.queue_depths(integer, timestamptz), rowbell.held_counts(integer), rowbell.attention(timestamptz), rowbell.attention_tasks(timestamptz), rowbell.attention_database(timestamptz), rowbell.bell_triggers(), rowbell.task_journal(bigint, integer), rowbell.waiting_queues(timestamptz), rowbell.strata(text, text[]), rowbell.ago(timestamptz), rowbell.many(numeric, text, text), rowbell.without_particulars(text) to rowbell_reader',

    -- operator: sees everything, mends
    'grant execute on function rowbell.cancel(bigint, timestamptz), rowbell.retry(bigint, timestamptz), rowbell.pause(text, timestamptz), rowbell.resume(text, timestamptz) to rowbell_operator',
    'grant insert (name, kind, payload, description, queue, priority, max_attempts, timeout, unique_key, concurrency_key, audience, cron, every, time_zone, missed, starts_at), update (kind, payload, description, queue, priority, max_attempts, timeout, unique_key, concurrency_key, audience, cron, every, time_zone, missed, starts_at, source), delete on rowbell.schedules to rowbell_operator',
    'grant execute on function rowbell.pause_schedule(text, timestamptz), rowbell.resume_schedule(text), rowbell.run_schedule_now(text, timestamptz), rowbell.drop_schedule(text) to rowbell_operator',
    'grant execute on function rowbell.retry_where(text[], text[], text[], bigint[], rowbell.task_status[], text[], timestamptz, timestamptz, timestamptz, timestamptz, text[], text, boolean, integer, boolean, timestamptz), rowbell.cancel_where(text[], text[], text[], bigint[], rowbell.task_status[], text[], timestamptz, timestamptz, text, boolean, integer, boolean, timestamptz) to rowbell_operator',
    'grant insert (name, max_running, rate, burst), update (max_running, rate, burst) on rowbell.queues to rowbell_operator',
    'grant update (max_running, max_running_per_key, rate, burst, on_failed, on_failed_payload) on rowbell.kinds to rowbell_operator',
    'grant insert, update, delete on rowbell.keys to rowbell_operator',

    -- service: what `rowbell serve` logs in as, when it does not own the schema
    'grant select, insert, update, delete on rowbell.tasks, rowbell.queues, rowbell.kinds, rowbell.workers, rowbell.keys, rowbell.buckets, rowbell.dependencies, rowbell.attempts, rowbell.schedules, rowbell.stacks, rowbell.alerts to rowbell_service',
    'grant execute on function rowbell.read_journal(pg_snapshot, pg_snapshot, bigint, integer, text, bigint[], text[], text[]) to rowbell_reader',
    'grant execute on all functions in schema rowbell to rowbell_service',

    -- viewer: what the service becomes while it reads for a caller of the API who sees only some tasks
    'grant usage on schema rowbell to rowbell_viewer',
    'grant select on rowbell.visible_tasks, rowbell.kinds to rowbell_viewer',
    'grant execute on function rowbell.find_visible_tasks(rowbell.task_filter, timestamptz, bigint, integer, boolean) to rowbell_viewer',
    'grant execute on function rowbell.is_for(text, text[], text, text[]) to rowbell_viewer, rowbell_reader'
  ] loop
    execute statement;
  end loop;
end $$;

-- Roles are shared by every database of the cluster: write only what is missing, and let another
-- database that writes the same row at the same instant win.
do $$
begin
  if not pg_has_role('rowbell_operator', 'rowbell_reader', 'member') then
    grant rowbell_reader to rowbell_operator;
  end if;
  if not pg_has_role('rowbell_service', 'rowbell_operator', 'member') then
    grant rowbell_operator to rowbell_service;
  end if;
  if not pg_has_role('rowbell_service', 'rowbell_viewer', 'member') then
    grant rowbell_viewer to rowbell_service;
  end if;
  if shobj_description('rowbell_viewer'::regrole, 'pg_authid') is null then
    comment on role rowbell_producer is 'Rowbell: may insert tasks and see them.';
    comment on role rowbell_reader   is 'Rowbell: may see everything.';
    comment on role rowbell_operator is 'Rowbell: may see everything, cancel, retry, pause and resume, and keep schedules.';
    comment on role rowbell_service  is 'Rowbell: what the service itself needs.';
    comment on role rowbell_viewer   is 'Rowbell: may see what the settings of its transaction say. Not to be granted to people.';
  end if;
exception when insufficient_privilege or undefined_object or unique_violation or internal_error then
  raise warning 'memberships and comments of the roles rowbell_* were left as they are: %', sqlerrm;
end $$;
