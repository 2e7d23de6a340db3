create or replace function rowbell.pause_schedule(schedule_name text, at timestamptz default now())
returns rowbell.schedules language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  schedule rowbell.schedules;
begin
  update rowbell.schedules s
  set paused_at = coalesce(s.paused_at, at),
      paused_by = coalesce(s.paused_by, nullif(current_setting('rowbell.subject', true), ''), session_user)
  where s.name = schedule_name returning * into schedule;
  if not found then
    raise exception using errcode = 'RB404', message = format('there is no schedule %s', schedule_name),
      hint = 'select name from rowbell.schedules lists them.';
  end if;
  return schedule;
end $$;
comment on function rowbell.pause_schedule(text, timestamptz) is
  'Pauses a schedule: it enqueues nothing until rowbell.resume_schedule(name). Tasks that it has enqueued run. Returns the row. RB404: no such schedule.';
