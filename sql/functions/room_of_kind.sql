create or replace function rowbell.room_of_kind(kind_name text, at timestamptz default now())
returns integer language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  kind    rowbell.kinds;
  running integer;
begin
  select * into kind from rowbell.kinds k where k.name = kind_name;
  if kind.max_running is not null then
    -- In every queue: reads the running rows, of which there are no more than slots.
    select count(*) into running from (
      select from rowbell.tasks t where t.status = 'PROCESSING' and t.kind = kind_name limit kind.max_running) r;
  end if;
  return least(kind.max_running - running,
               floor(rowbell.tokens('kind', kind_name, kind.rate, kind.burst, at)));
end $$;
comment on function rowbell.room_of_kind(text, timestamptz) is
  'How many tasks of a kind may be started now by its max_running and its rate; null: no limit.';
