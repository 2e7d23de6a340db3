-- Whoever waits stands in the queue of the lock, so one that leaves wakes exactly one other. A statement that
-- waits holds a snapshot, which keeps vacuum from its work: hence the patience, of less than a second.
create or replace function rowbell.take_chair(chair integer, patience interval)
returns boolean language plpgsql volatile as $$
begin
  if pg_try_advisory_lock(1919907686, chair) then
    return true;
  elsif patience <= '0' then
    return false;
  end if;
  perform set_config('lock_timeout', ceil(extract(epoch from patience) * 1000)::text, true);
  perform pg_advisory_lock(1919907686, chair);
  return true;
exception when lock_not_available then
  return false;
end $$;
comment on function rowbell.take_chair(integer, interval) is
  'For workers: the chair of those with the same queues and kinds. True: this session answers the bell from now on. Waits for at most `patience`.';
