create or replace function rowbell.room_of_key(key text, of_kind text, chosen bigint[] default '{}')
returns integer language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  most integer := coalesce(
    (select k.max_running from rowbell.keys k where k.name = key),
    (select k.max_running_per_key from rowbell.kinds k where k.name = of_kind), 1);
begin
  return greatest(0, most
    - (select count(*) from (select from rowbell.tasks t
                             where t.status = 'PROCESSING' and t.concurrency_key is not null
                               and t.concurrency_key = key limit most) r)
    - (select count(*) from rowbell.tasks t where t.id = any (chosen) and t.concurrency_key = key));
end $$;
comment on function rowbell.room_of_key(text, text, bigint[]) is
  'How many tasks of a concurrency_key may be started now; `chosen` are about to be.';
