-- A row that became due within the last second counts as due now: the claim just before may have been
-- a moment too early for it, and no bell rings again. Older ones are not ours to wait for: a claim has
-- passed them over (locked by somebody), and asking again at once would spin.
create or replace function rowbell.next_run_in(queue_name text, known_kinds text[], at timestamptz default clock_timestamp())
returns double precision language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
-- While somebody locks the table, the heartbeats that share the connection must get their turn.
set lock_timeout = '1s'
as $$
declare
  next_at timestamptz;
begin
  if exists (select from rowbell.queues q where q.name = queue_name and q.paused_at is not null) then
    return null;  -- resume rings
  end if;
  select min(future.run_at) into next_at
  from rowbell.strata(queue_name, known_kinds) s
  cross join lateral (
    select t.run_at from rowbell.tasks t
    where t.queue = queue_name and t.kind = s.kind and t.priority = s.priority
      and t.status = 'PENDING' and t.run_at > at - interval '1 second'
    order by t.run_at limit 1) future;
  return case when next_at is not null then greatest(extract(epoch from next_at - at), 0) end;
end $$;
comment on function rowbell.next_run_in(text, text[], timestamptz) is
  'Seconds until the next scheduled row of a queue becomes due; 0: one has just become due; null: none is scheduled, or the queue is paused. By the clock of the server.';
