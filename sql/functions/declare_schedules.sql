create or replace function rowbell.declare_schedules(declared jsonb, at timestamptz default now())
returns setof text language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  wanted record;
  schedule rowbell.schedules;
begin
  perform set_config('rowbell.declares', 'yes', true);
  -- Sorted, so that workers that start at once lock the rows in the same order.
  for wanted in
    select d.name, d.description, d.cron, d.every * interval '1 second' as every, d.time_zone, d.missed
    from jsonb_to_recordset(declared)
      d (name text, description text, cron text, every double precision, time_zone text, missed text)
    order by d.name
  loop
    select * into schedule from rowbell.schedules s where s.name = wanted.name for update;
    if not found then
      insert into rowbell.schedules (name, kind, description, cron, every, time_zone, missed, starts_at, source, declared_at)
      values (wanted.name, wanted.name, wanted.description, wanted.cron, wanted.every, wanted.time_zone, wanted.missed, at, 'code', at)
      on conflict do nothing;
    elsif schedule.source = 'sql' then
      return next wanted.name;
    elsif (schedule.description, schedule.cron, schedule.every, schedule.time_zone, schedule.missed)
      is distinct from (wanted.description, wanted.cron, wanted.every, wanted.time_zone, wanted.missed) then
      update rowbell.schedules s
      set description = wanted.description, cron = wanted.cron, every = wanted.every, time_zone = wanted.time_zone,
          missed = wanted.missed, declared_at = at
      where s.name = wanted.name;
    else
      update rowbell.schedules s set declared_at = at where s.name = wanted.name;
    end if;
  end loop;
  perform set_config('rowbell.declares', '', true);
end $$;
comment on function rowbell.declare_schedules(jsonb, timestamptz) is
  'For workers: makes the schedules that their code declares, and brings them up to date without ending a pause. Returns the names that it left alone, because people keep them.';
