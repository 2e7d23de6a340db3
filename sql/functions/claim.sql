-- Hand out tasks of one queue. Waiting rows lie in strata of (kind, priority): the higher priority
-- first; within a priority the kinds share the slots evenly, each from its oldest row, and what some
-- leave over goes to the others: fewer rows than slots means that no more are due. A stratum
-- costs one probe of tasks_ready, so rows that cannot be claimed now (unknown kinds, future rows)
-- are stepped over, never read one by one.
create or replace function rowbell.claim(
  queue_name text, worker_id bigint, slots integer, known_kinds text[], at timestamptz default now())
returns table (id bigint, attempt integer, kind text, failures integer, timeout double precision, payload text)
language plpgsql volatile
-- Statistics of a table that was empty a minute ago must not talk the planner into reading all of it.
set enable_seqscan = off set enable_bitmapscan = off set jit = off
-- While somebody locks the table, the heartbeats that share the connection must get their turn.
set lock_timeout = '1s'
as $$
#variable_conflict use_column
declare
  chosen     bigint[] := '{}';
  picked     bigint[];
  kinds      text[];     -- of the strata, by falling priority and rising age of their oldest row
  priorities integer[];
  turn       text[];     -- kinds of one priority that are still to be asked
  again      text[];     -- kinds that filled their share and may have more
  share      integer;
  level      integer;
begin
  -- Lost with a crash of the server, the claim leaves the task PENDING, which is as good as new.
  perform set_config('synchronous_commit', 'off', true);
  if exists (select from rowbell.queues q where q.name = queue_name and q.paused_at is not null) then
    return;
  end if;
  perform from rowbell.workers w where w.id = worker_id and w.lost_at is null and w.stopped_at is null;
  if not found then
    raise exception using errcode = 'RB410', message = format('worker %s is not registered any more', worker_id),
      hint = 'It was silent for longer than its lease: register again.';
  end if;

  select array_agg(s.kind order by s.priority desc, s.run_at, s.kind),
         array_agg(s.priority order by s.priority desc, s.run_at, s.kind)
  into kinds, priorities
  from rowbell.strata(queue_name, known_kinds) s where s.run_at <= at;

  while cardinality(kinds) > 0 and cardinality(chosen) < slots loop
    level := priorities[1];
    turn := kinds[1:cardinality(array_positions(priorities, level))];
    again := '{}';
    kinds := kinds[cardinality(turn) + 1:];
    priorities := priorities[cardinality(turn) + 1:];
    while cardinality(turn) > 0 and cardinality(chosen) < slots loop
      share := ceil((slots - cardinality(chosen))::numeric / cardinality(turn));
      picked := array(
        select t.id from rowbell.tasks t
        where t.queue = queue_name and t.kind = turn[1] and t.priority = level
          and t.status = 'PENDING' and t.run_at <= at and t.id <> all (chosen)
        order by t.run_at, t.id
        limit share
        for update skip locked);
      chosen := chosen || picked;
      if cardinality(picked) = share then
        again := again || turn[1];
      end if;
      turn := turn[2:];
      if cardinality(turn) = 0 then
        turn := again;  -- what some left over goes to those that can use it
        again := '{}';
      end if;
    end loop;
  end loop;

  if cardinality(chosen) = 0 then
    return;
  end if;
  return query
  update rowbell.tasks t
  set status = 'PROCESSING', attempt = t.attempt + 1, worker = worker_id, started_at = at, progress = null
  where t.id = any (chosen)
  returning t.id, t.attempt, t.kind, t.failures, extract(epoch from t.timeout)::double precision, t.payload::text;
end $$;
comment on function rowbell.claim(text, bigint, integer, text[], timestamptz) is
  'For workers: makes up to `slots` due tasks of a queue PROCESSING and returns them. Nothing while the queue is paused. RB410: the worker was lost.';
