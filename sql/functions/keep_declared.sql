create or replace function rowbell.keep_declared(names text[], at timestamptz default now())
returns void language plpgsql volatile as $$
begin
  -- Workers that have the same code ask in turn; one answer is enough.
  update rowbell.schedules s set declared_at = at
  where s.source = 'code' and s.declared_at < at - interval '5 minutes'
    and s.name in (select d.name from rowbell.schedules d where d.name = any (names) for update skip locked);
end $$;
comment on function rowbell.keep_declared(text[], timestamptz) is
  'For workers: says that these schedules are still declared in the code of a live worker.';
