create or replace function rowbell.health_of_schedules()
returns table (severity text, topic text, sentence text, remedy text, remedy_in text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select 'problem', 'schedule.unreadable',
    format('Schedule %s does not run: %s. Correct its times, or pause it.', s.name, s.problem), format('select rowbell.pause_schedule(%L);', s.name), 'psql'
  from rowbell.schedule_overview s where s.state = 'unreadable'
  union all
  select 'problem', 'schedule.overdue',
    format('Schedule %s should have run %s ago, and no worker ticks.', s.name, rowbell.ago(s.next_run_at)), 'rowbell worker', 'shell'
  from rowbell.schedule_overview s where s.state = 'overdue'
  union all
  select 'warning', 'schedule.undeclared',
    format('Schedule %s came from code that no live worker has had for a day, and does not run.', s.name), format('select rowbell.drop_schedule(%L);', s.name), 'psql'
  from rowbell.schedule_overview s where s.state = 'undeclared'
  union all
  select 'warning', 'schedule.failing',
    format('The last task of schedule %s is FAILED: %s.', s.name, coalesce(s.last_error, 'no error was kept')), format('select rowbell.retry(%s);', s.last_task), 'psql'
  from rowbell.schedule_overview s where s.last_status = 'FAILED';
end $$;
comment on function rowbell.health_of_schedules() is 'For rowbell.health: schedules that cannot be read, do not tick, or whose last task failed.';
