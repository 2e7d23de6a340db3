create or replace function rowbell.resume_schedule(schedule_name text)
returns rowbell.schedules language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  schedule rowbell.schedules;
begin
  update rowbell.schedules s set paused_at = null, paused_by = null where s.name = schedule_name returning * into schedule;
  if not found then
    raise exception using errcode = 'RB404', message = format('there is no schedule %s', schedule_name),
      hint = 'select name from rowbell.schedules lists them.';
  end if;
  return schedule;
end $$;
comment on function rowbell.resume_schedule(text) is
  'Resumes a paused schedule with its next run; those of the pause are not made up for. Returns the row. RB404: no such schedule.';
