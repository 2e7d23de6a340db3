-- Compare and set: of all workers that see the same tick, the one that moves next_run_at on enqueues
-- the tasks, in the same transaction. A crash before its COMMIT leaves the tick to the others.
create or replace function rowbell.tick_schedule(
  schedule_name text, changed timestamptz, due_at timestamptz, runs timestamptz[], following timestamptz,
  trouble text default null)
returns bigint[] language plpgsql volatile as $$
declare
  schedule rowbell.schedules;
begin
  update rowbell.schedules s set next_run_at = following, problem = trouble
  where s.name = schedule_name and s.next_run_at = due_at and s.changed_at = changed and s.paused_at is null
  returning * into schedule;
  if not found then
    return null;
  end if;
  return rowbell.enqueue_scheduled(schedule, runs);
end $$;
comment on function rowbell.tick_schedule(text, timestamptz, timestamptz, timestamptz[], timestamptz, text) is
  'For workers: moves a schedule on from the run of due_at to the one that follows, and enqueues a task for each of the runs. Returns the ids of the tasks, or null if another worker was first or the schedule was changed.';
