-- Hand out tasks of one queue. Most often a bell tells of one row: if it is the only one of its queue, and nothing stands
-- against it, one statement does it all. Everything else is picked by strata, fairly and within every limit.
create or replace function rowbell.claim(
  queue_name text, worker_id bigint, slots integer, known_kinds text[], at timestamptz default now())
returns table (id bigint, attempt integer, kind text, failures integer, timeout double precision, payload text,
  wait_seconds double precision, traceparent text, failed_traceparent text, is_last boolean)
language plpgsql volatile
-- Statistics of a table that was empty a minute ago must not talk the planner into reading all of it.
set enable_seqscan = off set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
-- While somebody locks the table, the heartbeats and bells that share the connection must get their turn.
set lock_timeout = '1s'
as $$
#variable_conflict use_column
declare
  is_paused   boolean;
  is_known    boolean;  -- the worker
  has_limits  boolean;  -- the queue
  has_counted boolean;  -- by what runs
  has_unseen  boolean;  -- rows whose parents nobody has looked at
  chosen      bigint[];
  counted     text[];   -- the kinds whose running tasks are counted
  said        text := set_config('rowbell.event', 'STARTED', true);  -- to the journal; only a superuser could SET it above
begin
  -- Where this session found more than ten the last time, it does not look whether there is only one: while a snapshot
  -- is held, each look steps over what is dead. After two that came at once, the next one comes alone most often.
  if current_setting('rowbell.many', true) is distinct from queue_name then
    return query
    update rowbell.tasks t
    set status = 'PROCESSING', attempt = t.attempt + 1, worker = w.id, started_at = at, is_limited = false
    from rowbell.workers w
    where w.id = worker_id and w.lost_at is null and w.stopped_at is null and t.id = (
      select o.id from rowbell.tasks o
      where o.status = 'PENDING' and o.id = (
          select case when count(*) = 1 then min(two.id) filter (
              where two.kind = any (known_kinds) and two.run_at <= at and two.progress is null  -- or it is reset below
                and not exists (
                  select from rowbell.kinds k
                  where k.name = two.kind and (k.max_running is not null or k.rate is not null))) end
          from (
            select r.id, r.kind, r.run_at, r.progress from rowbell.tasks r
            where r.queue = queue_name and r.status = 'PENDING' and r.concurrency_key is null
              and ((r.after is null and r.after_batch is null) or r.parents = 'met')
            order by r.kind, r.priority, r.run_at, r.id limit 2) two)
        and not exists (
          select from rowbell.queues q
          where q.name = queue_name and (q.paused_at is not null or q.max_running is not null or q.rate is not null))
        and not exists (
          select from rowbell.tasks keyed
          where keyed.queue = queue_name and keyed.status = 'PENDING' and keyed.concurrency_key <> ''
            and ((keyed.after is null and keyed.after_batch is null) or keyed.parents = 'met'))
        and not exists (
          select from rowbell.tasks unseen
          where unseen.queue = queue_name and unseen.status = 'PENDING'
            and (unseen.after is not null or unseen.after_batch is not null) and unseen.parents is null)
      for update skip locked)
    returning t.id, t.attempt, t.kind, t.failures, extract(epoch from t.timeout)::double precision, t.payload::text,
      greatest(0, date_part('epoch', at) - date_part('epoch', t.run_at)), t.traceparent, t.error ->> 'traceparent', true;
    if found then
      return;
    end if;
  end if;

  select coalesce(q.paused_at is not null, false), coalesce(q.max_running is not null or q.rate is not null, false),
    coalesce(q.max_running is not null, false),
    exists (select from rowbell.workers w where w.id = worker_id and w.lost_at is null and w.stopped_at is null),
    exists (
      select from rowbell.tasks t
      where t.queue = queue_name and t.status = 'PENDING'
        and (t.after is not null or t.after_batch is not null) and t.parents is null)
  into is_paused, has_limits, has_counted, is_known, has_unseen
  from (values (queue_name)) asked (name) left join rowbell.queues q on q.name = asked.name;
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
  chosen := rowbell.pick_by_strata(queue_name, slots, known_kinds, has_limits, at);
  if chosen <> '{}' then
    counted := array(select k.name from rowbell.kinds k where k.name = any (known_kinds) and k.max_running is not null);
    return query
    update rowbell.tasks t
    set status = 'PROCESSING', attempt = t.attempt + 1, worker = worker_id, started_at = at, progress = null,
        is_limited = has_counted or t.concurrency_key is not null or t.kind = any (counted)
    where t.id = any (chosen)
    returning t.id, t.attempt, t.kind, t.failures, extract(epoch from t.timeout)::double precision, t.payload::text,
      greatest(0, date_part('epoch', at) - date_part('epoch', t.run_at)), t.traceparent, t.error ->> 'traceparent', false;
  end if;
end $$;
comment on function rowbell.claim(text, bigint, integer, text[], timestamptz) is
  'For workers: makes up to `slots` due tasks of a queue PROCESSING and returns them, within every limit; is_last: no other waited in the queue, due or not. Nothing while the queue is paused. RB410: the worker was lost.';
