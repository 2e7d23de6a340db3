create or replace function rowbell.health_of_schedules(at timestamptz default now())
returns table (severity text, topic text, sentence text, remedy text, remedy_in text, about text, filter jsonb, since timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  with found as (
    select 'problem' as severity, 'schedule.unreadable' as topic,
      format('Schedule %s does not run: %s. Correct its times, or pause it.', s.name, s.problem) as sentence,
      format('select rowbell.pause_schedule(%L);', s.name) as remedy, 'psql' as remedy_in, s.name, s.next_run_at
    from rowbell.schedule_overview s where s.state = 'unreadable'
    union all
    select 'problem', 'schedule.overdue', format('Schedule %s should have run %s ago, and no worker ticks.', s.name, rowbell.ago(s.next_run_at)),
      'rowbell worker', 'shell', s.name, s.next_run_at
    from rowbell.schedule_overview s where s.state = 'overdue'
    union all
    select 'warning', 'schedule.undeclared', format('Schedule %s came from code that no live worker has had for a day, and does not run.', s.name),
      format('select rowbell.drop_schedule(%L);', s.name), 'psql', s.name, s.next_run_at
    from rowbell.schedule_overview s where s.state = 'undeclared'
    union all
    select 'warning', 'schedule.failing', format('The last task of schedule %s is FAILED: %s.', s.name, coalesce(s.last_error, 'no error was kept')),
      format('select rowbell.retry(%s);', s.last_task), 'psql', s.name, s.last_run_at
    from rowbell.schedule_overview s where s.last_status = 'FAILED')
  select f.severity, f.topic, f.sentence, f.remedy, f.remedy_in, f.name, jsonb_build_object('schedule', f.name), f.next_run_at from found f;
end $$;
comment on function rowbell.health_of_schedules(timestamptz) is
  'For rowbell.health and rowbell.attention: schedules that cannot be read, do not tick, or whose last task failed.';
