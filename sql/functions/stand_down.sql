-- The gate is passed once every transaction has ended that saw this session awake, and said nothing. While
-- somebody waits at the gate, new transactions ring, so there is an end to it; a long one costs the patience.
create or replace function rowbell.stand_down(awake integer[], patience interval)
returns boolean language plpgsql volatile as $$
begin
  perform pg_advisory_unlock(1919907684, a.key) from unnest(awake) a (key);
  perform set_config('lock_timeout', ceil(extract(epoch from patience) * 1000)::text, true);
  perform pg_advisory_lock(1919907685, 0);
  perform pg_advisory_unlock(1919907685, 0);
  return true;
exception when lock_not_available then
  return false;
end $$;
comment on function rowbell.stand_down(integer[], interval) is
  'For workers on duty: gives up the locks of stay_awake and passes the gate. True: what was inserted in silence is committed, so a last look sees it. False: a transaction that may hold such rows is still open; pass the gate later.';
