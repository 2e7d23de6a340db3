create or replace function rowbell.plan_schedule(
  schedule_name text, changed timestamptz, run_at timestamptz, trouble text default null)
returns boolean language plpgsql volatile as $$
begin
  update rowbell.schedules s set next_run_at = run_at, problem = trouble
  where s.name = schedule_name and s.changed_at = changed and s.next_run_at is null;
  return found;
end $$;
comment on function rowbell.plan_schedule(text, timestamptz, timestamptz, text) is
  'For workers: writes the first run of a schedule, or why it has none. False: another worker did, or the schedule was changed at another instant than `changed`.';
