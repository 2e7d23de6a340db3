create or replace function rowbell.drop_schedule(schedule_name text)
returns rowbell.schedules language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  schedule rowbell.schedules;
begin
  delete from rowbell.schedules s where s.name = schedule_name returning * into schedule;
  if not found then
    raise exception using errcode = 'RB404', message = format('there is no schedule %s', schedule_name),
      hint = 'select name from rowbell.schedules lists them.';
  end if;
  return schedule;
end $$;
comment on function rowbell.drop_schedule(text) is
  'Deletes a schedule; its tasks stay. One that code declares comes back with the next worker: pause it instead. Returns the row. RB404: no such schedule.';
