-- Before the chair is free nothing may say any more that this session is awake: whoever takes it looks, and
-- goes to sleep. If nobody waits for the chair this session keeps it, and stays as awake as it was.
create or replace function rowbell.hand_on_chair(chair integer, awake integer[])
returns boolean language plpgsql volatile as $$
begin
  perform pg_advisory_unlock(1919907684, a.key) from unnest(awake) a (key);
  perform pg_advisory_unlock(1919907686, chair);
  if pg_try_advisory_lock(1919907686, chair) then
    perform pg_try_advisory_lock(1919907684, a.key) from unnest(awake) a (key);
    return true;
  end if;
  return false;
end $$;
comment on function rowbell.hand_on_chair(integer, integer[]) is
  'For workers without a free slot: gives the chair to whoever waits for it. True: nobody does, so this session keeps it.';
