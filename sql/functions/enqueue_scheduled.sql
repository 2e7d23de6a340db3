create or replace function rowbell.enqueue_scheduled(of_schedule rowbell.schedules, runs timestamptz[])
returns bigint[] language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  tasks bigint[];
  latest timestamptz;
begin
  -- One statement, so one bell; what a unique_key forbids is left out.
  with enqueued as (
    insert into rowbell.tasks (
      kind, payload, description, queue, priority, run_at, max_attempts, timeout, unique_key, concurrency_key,
      audience, schedule, created_by)
    select (of_schedule).kind, (of_schedule).payload, (of_schedule).description, (of_schedule).queue,
      (of_schedule).priority, given.run, (of_schedule).max_attempts, (of_schedule).timeout, (of_schedule).unique_key,
      (of_schedule).concurrency_key, (of_schedule).audience, (of_schedule).name, 'schedule ' || (of_schedule).name
    from unnest(runs) given (run) order by given.run
    on conflict do nothing
    returning id, run_at)
  select coalesce(array_agg(e.id order by e.run_at, e.id), '{}'), max(e.run_at) into tasks, latest from enqueued e;

  if cardinality(tasks) > 0 then
    update rowbell.schedules s set last_run_at = latest, last_task = tasks[cardinality(tasks)]
    where s.name = (of_schedule).name;
  end if;
  return tasks;
end $$;
comment on function rowbell.enqueue_scheduled(rowbell.schedules, timestamptz[]) is
  'For the functions beside it: enqueues a task of a schedule for each of these instants, unless its unique_key is taken. Returns the ids.';
