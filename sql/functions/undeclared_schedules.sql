create or replace function rowbell.undeclared_schedules(at timestamptz default now())
returns setof text language sql stable as $$
  select s.name from rowbell.schedules s
  where s.source = 'code' and s.paused_at is null and s.declared_at <= at - interval '1 day'
$$;
comment on function rowbell.undeclared_schedules(timestamptz) is
  'For workers: schedules of the code that no live worker has had for a day, so that they enqueue nothing.';
