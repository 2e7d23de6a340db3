-- A row that became due within the last second counts as due now: the claim just before may have been
-- a moment too early for it, and no bell rings again. Older ones are not ours to wait for: a claim has
-- passed them over (locked by somebody, or held back by a limit), and asking again at once would spin.
-- The end of a task under max_running or with a key rings; a token that flows into a bucket does not.
create or replace function rowbell.next_run_in(queue_name text, known_kinds text[], at timestamptz default clock_timestamp())
returns double precision language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
-- While somebody locks the table, the heartbeats that share the connection must get their turn.
set lock_timeout = '1s'
as $$
declare
  queue    rowbell.queues;
  due_kinds text[];
  next_at  timestamptz;
  token_in double precision;
  unseen   boolean;
begin
  select * into queue from rowbell.queues q where q.name = queue_name;
  if queue.paused_at is not null then
    return null;  -- resume rings
  end if;
  select min(future.run_at), array_agg(distinct s.kind) filter (where s.run_at <= at - interval '1 second')
  into next_at, due_kinds
  from rowbell.strata(queue_name, known_kinds) s
  left join lateral (
    select t.run_at from rowbell.tasks t
    where not s.is_keyed and t.queue = queue_name and t.kind = s.kind and t.priority = s.priority
      and t.status = 'PENDING' and t.concurrency_key is null
      and ((t.after is null and t.after_batch is null) or t.parents = 'met')
      and t.run_at > at - interval '1 second'
    order by t.run_at limit 1) plain on true
  left join lateral (
    select t.run_at from rowbell.tasks t
    where s.is_keyed and t.queue = queue_name and t.kind = s.kind and t.priority = s.priority
      and t.status = 'PENDING' and t.concurrency_key is not null
      and ((t.after is null and t.after_batch is null) or t.parents = 'met')
      and t.run_at > at - interval '1 second'
    order by t.run_at limit 1) keyed on true
  cross join lateral (select coalesce(plain.run_at, keyed.run_at) as run_at) future;

  if due_kinds is not null then
    select max(case when l.tokens < 1 then (1 - l.tokens) / l.rate end) into token_in from (
      select queue.rate, rowbell.tokens('queue', queue.name, queue.rate, queue.burst, at) as tokens
      where queue.rate is not null
      union all
      select k.rate, rowbell.tokens('kind', k.name, k.rate, k.burst, at)
      from rowbell.kinds k where k.name = any (due_kinds) and k.rate is not null) l;
  end if;
  unseen := exists (
    select from rowbell.tasks t
    where t.queue = queue_name and t.status = 'PENDING'
      and (t.after is not null or t.after_batch is not null) and t.parents is null);
  return least(
    case when next_at is not null then greatest(extract(epoch from next_at - at), 0) end,
    token_in,
    case when unseen then 0.1 end,  -- somebody was finishing a task just then
    case when due_kinds is not null then 5 end);
end $$;
comment on function rowbell.next_run_in(text, text[], timestamptz) is
  'Seconds until it is worth looking at a queue again: until its next scheduled row, or the next token of a rate; 0: a row has just become due; 5: rows are due but held back; null: nothing waits, or the queue is paused. By the clock of the server.';
