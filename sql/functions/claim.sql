-- Hand out tasks of one queue. Most often a bell tells of one row that nothing limits: the first query finds all
-- there is to know, and locks it. Everything else is picked by strata, fairly and within every limit.
create or replace function rowbell.claim(
  queue_name text, worker_id bigint, slots integer, known_kinds text[], at timestamptz default now())
returns table (id bigint, attempt integer, kind text, failures integer, timeout double precision, payload text,
  wait_seconds double precision, traceparent text, failed_traceparent text)
language plpgsql volatile
-- Statistics of a table that was empty a minute ago must not talk the planner into reading all of it.
set enable_seqscan = off set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
-- While somebody locks the table, the heartbeats and bells that share the connection must get their turn.
set lock_timeout = '1s'
as $$
#variable_conflict use_column
declare
  -- Where this session found many the last time, it does not look whether there is only one: while a snapshot is
  -- held, each look steps over what is dead.
  looks_for_one boolean := current_setting('rowbell.many', true) is distinct from queue_name;
  rows_seen     integer;  -- 2: two at least
  is_paused     boolean;
  is_known      boolean;  -- the worker
  has_limits    boolean;  -- the queue
  has_keyed     boolean;
  has_unseen    boolean;  -- rows whose parents nobody has looked at
  chosen        bigint[];
  counted       text[] := '{}';  -- the kinds whose running tasks are counted
  is_counted    boolean := false;  -- the queue
begin
  select f.rows_seen, f.is_paused, f.is_known, f.has_limits, f.has_keyed, f.has_unseen,
    case when f.rows_seen = 1 and f.is_known and not (f.is_paused or f.has_limits or f.has_keyed or f.has_unseen)
        and not exists (select from rowbell.kinds k where k.name = f.kind and (k.max_running is not null or k.rate is not null))
      then array(
        select t.id from rowbell.tasks t
        where t.id = f.id and t.status = 'PENDING' and t.kind = any (known_kinds) and t.run_at <= at
        for update skip locked) end
  into rows_seen, is_paused, is_known, has_limits, has_keyed, has_unseen, chosen
  from (
    select min(one.id) as id, min(one.kind) as kind, count(one.id) as rows_seen,
      exists (select from rowbell.queues q where q.name = queue_name and q.paused_at is not null) as is_paused,
      exists (
        select from rowbell.queues q
        where q.name = queue_name and (q.max_running is not null or q.rate is not null)) as has_limits,
      exists (
        select from rowbell.workers w where w.id = worker_id and w.lost_at is null and w.stopped_at is null) as is_known,
      exists (
        select from rowbell.tasks t
        where t.queue = queue_name and t.status = 'PENDING' and t.concurrency_key <> ''
          and ((t.after is null and t.after_batch is null) or t.parents = 'met')) as has_keyed,
      exists (
        select from rowbell.tasks t
        where t.queue = queue_name and t.status = 'PENDING'
          and (t.after is not null or t.after_batch is not null) and t.parents is null) as has_unseen
    from (
      select t.id, t.kind from rowbell.tasks t
      where looks_for_one and t.queue = queue_name and t.status = 'PENDING' and t.concurrency_key is null
        and ((t.after is null and t.after_batch is null) or t.parents = 'met')
      order by t.kind, t.priority, t.run_at, t.id limit 2) one) f;
  if is_paused then
    return;
  end if;
  if not is_known then
    raise exception using errcode = 'RB410', message = format('worker %s is not registered any more', worker_id),
      hint = 'It was silent for longer than its lease: register again.';
  end if;
  if has_unseen then
    perform rowbell.see_parents(queue_name, 1000, at);
  end if;
  if chosen is null and (rows_seen > 0 or has_keyed or has_unseen or not looks_for_one) then
    chosen := rowbell.pick_by_strata(queue_name, slots, known_kinds, has_limits, at);
    counted := array(select k.name from rowbell.kinds k where k.name = any (known_kinds) and k.max_running is not null);
    is_counted := has_limits and exists (
      select from rowbell.queues q where q.name = queue_name and q.max_running is not null);
  end if;
  if chosen <> '{}' then
    return query
    update rowbell.tasks t
    set status = 'PROCESSING', attempt = t.attempt + 1, worker = worker_id, started_at = at, progress = null,
        is_limited = is_counted or t.concurrency_key is not null or t.kind = any (counted)
    where t.id = any (chosen)
    returning t.id, t.attempt, t.kind, t.failures, extract(epoch from t.timeout)::double precision, t.payload::text,
      greatest(0, date_part('epoch', at) - date_part('epoch', t.run_at)), t.traceparent, t.error ->> 'traceparent';
  end if;
end $$;
comment on function rowbell.claim(text, bigint, integer, text[], timestamptz) is
  'For workers: makes up to `slots` due tasks of a queue PROCESSING and returns them, within every limit. Nothing while the queue is paused. RB410: the worker was lost.';
