-- No index but the key, and half of each page is free: the row is rewritten in place (HOT).
create or replace function rowbell.heartbeat(
  worker_id bigint, busy_slots integer, draining boolean, counted jsonb default null, at timestamptz default now())
returns boolean language plpgsql volatile as $$
begin
  perform set_config('synchronous_commit', 'off', true);  -- the next beat is as good
  update rowbell.workers
  set beat_at = at, busy = busy_slots, draining_at = case when draining then coalesce(draining_at, at) end,
      swept_at = case when (counted ->> 'tasks_swept')::bigint > coalesce((tally ->> 'tasks_swept')::bigint, 0) then at else swept_at end,
      tally = coalesce(counted, tally)
  where id = worker_id and lost_at is null and stopped_at is null;
  return found;
end $$;
comment on function rowbell.heartbeat(bigint, integer, boolean, jsonb, timestamptz) is
  'For workers: says that a worker lives, and what its process has counted. False: it was silent too long and its tasks were given to others.';
