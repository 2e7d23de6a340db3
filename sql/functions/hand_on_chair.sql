-- Before the chair is free nothing may say any more that this session is awake: whoever takes it looks, and
-- goes to sleep. If nobody waits for the chair this session keeps it, and stays as awake as it was.
create or replace function rowbell.hand_on_chair(chair integer, awake integer[])
returns integer[] language plpgsql volatile as $$
begin
  perform pg_advisory_unlock(1919907684, a.key) from unnest(awake) a (key);
  perform pg_advisory_unlock(1919907686, chair);
  if pg_try_advisory_lock(1919907686, chair) then
    return array(select a.key from unnest(awake) a (key) where pg_try_advisory_lock(1919907684, a.key));
  end if;
  return null;
end $$;
comment on function rowbell.hand_on_chair(integer, integer[]) is
  'For workers without a free slot: gives the chair to whoever waits for it; null. Nobody does: this session keeps it, and the locks of stay_awake that are returned.';
