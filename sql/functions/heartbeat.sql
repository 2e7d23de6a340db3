create or replace function rowbell.heartbeat(worker_id bigint, busy_slots integer, draining boolean, at timestamptz default now())
returns boolean language plpgsql volatile as $$
begin
  perform set_config('synchronous_commit', 'off', true);  -- the next beat is as good
  update rowbell.workers
  set beat_at = at, busy = busy_slots, draining_at = case when draining then coalesce(draining_at, at) end
  where id = worker_id and lost_at is null and stopped_at is null;
  return found;
end $$;
comment on function rowbell.heartbeat(bigint, integer, boolean, timestamptz) is
  'For workers: says that a worker lives. False: it was silent too long and its tasks were given to others.';
