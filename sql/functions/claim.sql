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
as $$
#variable_conflict use_column
declare
  chosen   bigint[] := '{}';
  found_   bigint[];
  share    integer;
  hungry   text[] := '{}';  -- kinds of this priority that may have more rows than their share
  stratum  record;
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

  for stratum in
    select s.kind, s.priority, turn, s.kinds_left
    from (
      select s.kind, s.priority, count(*) over (partition by s.priority order by s.run_at desc, s.kind) as kinds_left
      from rowbell.strata(queue_name, known_kinds) s
      where s.run_at <= at) s
    cross join generate_series(1, 2) turn  -- 1: its share, 2: what others left over
    order by s.priority desc, turn, s.kinds_left desc
  loop
    if stratum.turn = 1 then
      share := ceil((slots - cardinality(chosen))::numeric / stratum.kinds_left);
    elsif stratum.kind = any (hungry) then
      share := slots - cardinality(chosen);
      hungry := array_remove(hungry, stratum.kind);
    else
      continue;
    end if;
    found_ := array(
      select t.id from rowbell.tasks t
      where t.queue = queue_name and t.kind = stratum.kind and t.priority = stratum.priority
        and t.status = 'PENDING' and t.run_at <= at and (stratum.turn = 1 or t.id <> all (chosen))
      order by t.run_at, t.id
      limit share
      for update skip locked);
    chosen := chosen || found_;
    exit when cardinality(chosen) >= slots;
    if stratum.turn = 1 and cardinality(found_) = share then
      hungry := hungry || stratum.kind;
    end if;
  end loop;

  return query
  update rowbell.tasks t
  set status = 'PROCESSING', attempt = t.attempt + 1, worker = worker_id, started_at = at, progress = null
  where t.id = any (chosen)
  returning t.id, t.attempt, t.kind, t.failures, extract(epoch from t.timeout)::double precision, t.payload::text;
end $$;
comment on function rowbell.claim(text, bigint, integer, text[], timestamptz) is
  'For workers: makes up to `slots` due tasks of a queue PROCESSING and returns them. Nothing while the queue is paused. RB410: the worker was lost.';
