-- Hand out tasks of one queue. Ready rows lie in strata of (kind, priority, has a key): the higher
-- priority first; within a priority the strata share the slots evenly, each from its oldest row, and
-- what some leave over goes to the others: fewer rows than slots means that no more can run now. A
-- stratum costs one probe of an index, so rows that cannot be claimed now (unknown kinds, future rows,
-- kinds at their limit) are stepped over, never read one by one.
create or replace function rowbell.claim(
  queue_name text, worker_id bigint, slots integer, known_kinds text[], at timestamptz default now())
returns table (id bigint, attempt integer, kind text, failures integer, timeout double precision, payload text,
  wait_seconds double precision, traceparent text, failed_traceparent text)
language plpgsql volatile
-- Statistics of a table that was empty a minute ago must not talk the planner into reading all of it.
set enable_seqscan = off set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
-- While somebody locks the table, the heartbeats that share the connection must get their turn.
set lock_timeout = '1s'
as $$
#variable_conflict use_column
declare
  queue      rowbell.queues;
  chosen     bigint[] := '{}';
  picked     bigint[];
  kinds      text[] := '{}';  -- of the strata, by falling priority and rising age of their oldest row
  priorities integer[];
  keyed      boolean[];  -- null: none of them
  has_strata boolean;  -- more than one, as far as is known
  limited    text[];     -- the kinds among them that have a limit,
  room_of    integer[];  -- and how many of each may still be started
  counted    text[] := '{}';  -- the kinds whose running tasks are counted
  turn       integer[];  -- strata of one priority that are still to be asked
  again      integer[];  -- strata that filled their share and may have more
  room       integer := slots;
  share      integer;
  stratum    integer;
  next_one   integer := 1;
begin
  select * into queue from rowbell.queues q where q.name = queue_name;
  if queue.paused_at is not null then
    return;
  end if;
  perform from rowbell.workers w where w.id = worker_id and w.lost_at is null and w.stopped_at is null;
  if not found then
    raise exception using errcode = 'RB410', message = format('worker %s is not registered any more', worker_id),
      hint = 'It was silent for longer than its lease: register again.';
  end if;
  if exists (select from rowbell.tasks t
             where t.queue = queue_name and t.status = 'PENDING'
               and (t.after is not null or t.after_batch is not null) and t.parents is null) then
    perform rowbell.see_parents(queue_name, 1000, at);
  end if;

  if queue.max_running is null and queue.rate is null and current_setting('rowbell.place', true) <> '' then
    chosen := rowbell.pick_on(queue_name, slots, known_kinds, at);
  end if;
  if chosen = '{}' then
    -- A queue in which one row waits, without a key, is one stratum: that takes one probe to see. Where this session
    -- found many the last time, it does not look for one: while a snapshot is held, each look steps over what is dead.
    has_strata := true;
    if current_setting('rowbell.many', true) is distinct from queue_name then
      select array_agg(f.kind) filter (where f.kind = any (known_kinds) and f.run_at <= at), array_agg(f.priority),
             count(*) > 1 or exists (
               select from rowbell.tasks t
               where t.queue = queue_name and t.status = 'PENDING' and t.concurrency_key <> ''
                 and ((t.after is null and t.after_batch is null) or t.parents = 'met'))
      into kinds, priorities, has_strata
      from (
        select t.kind, t.priority, t.run_at from rowbell.tasks t
        where t.queue = queue_name and t.status = 'PENDING' and t.concurrency_key is null
          and ((t.after is null and t.after_batch is null) or t.parents = 'met')
        order by t.kind, t.priority, t.run_at, t.id limit 2) f;
    end if;
    if has_strata then
      select array_agg(s.kind order by s.priority desc, s.run_at, s.kind),
             array_agg(s.priority order by s.priority desc, s.run_at, s.kind),
             array_agg(s.is_keyed order by s.priority desc, s.run_at, s.kind)
      into kinds, priorities, keyed
      from rowbell.strata(queue_name, known_kinds) s where s.run_at <= at;
    end if;
    if kinds is null then
      return;
    end if;
  end if;

  limited := array(
    select k.name from rowbell.kinds k
    where k.name = any (kinds) and (k.max_running is not null or k.rate is not null));
  if queue.max_running is not null or queue.rate is not null or limited <> '{}' or true = any (keyed) then
    -- Limits are counted by one claim at a time: what it counts, no other can change before its commit.
    perform pg_advisory_xact_lock(1919907682, 3);
    room := least(slots, rowbell.room_of_queue(queue_name, at));
    room_of := array(select rowbell.room_of_kind(l.name, at) from unnest(limited) l (name));
  end if;

  if cardinality(kinds) = 1 and keyed is null and room_of is null then
    chosen := rowbell.pick(queue_name, kinds[1], priorities[1], room, chosen, at);
    room := 0;
  end if;
  while next_one <= cardinality(kinds) and room > 0 loop
    turn := '{}';
    while next_one <= cardinality(kinds) and (turn = '{}' or priorities[next_one] = priorities[turn[1]]) loop
      turn := turn || next_one;
      next_one := next_one + 1;
    end loop;
    again := '{}';
    while cardinality(turn) > 0 and room > 0 loop
      stratum := turn[1];
      share := (room + cardinality(turn) - 1) / cardinality(turn);
      if room_of is not null then
        share := least(share, room_of[array_position(limited, kinds[stratum])]);
      end if;
      if share <= 0 then
        picked := '{}';
      elsif keyed[stratum] then
        picked := rowbell.pick_by_key(queue_name, kinds[stratum], priorities[stratum], share, chosen, at);
      else
        picked := rowbell.pick(queue_name, kinds[stratum], priorities[stratum], share, chosen, at);
      end if;
      if picked <> '{}' then
        chosen := chosen || picked;
        room := room - cardinality(picked);
        if room_of is not null and array_position(limited, kinds[stratum]) is not null then
          room_of[array_position(limited, kinds[stratum])] :=
            room_of[array_position(limited, kinds[stratum])] - cardinality(picked);
        end if;
        if cardinality(picked) = share then
          again := again || stratum;
        end if;
      end if;
      turn := turn[2:];
      if cardinality(turn) = 0 then
        turn := again;  -- what some left over goes to those that can use it
        again := '{}';
      end if;
    end loop;
  end loop;

  if has_strata then
    perform set_config('rowbell.many', case when cardinality(chosen) > 1 then queue_name else '' end, false);
  end if;
  if chosen = '{}' then
    return;
  end if;
  if queue.rate is not null or limited <> '{}' then
    perform rowbell.spend_tokens(queue_name, chosen, at);
  end if;
  if slots >= 20 and cardinality(kinds) = 1 and room_of is null and cardinality(chosen) = slots then
    perform rowbell.mark_place(chosen[slots], clock_timestamp());
  end if;
  if limited <> '{}' then
    counted := array(select k.name from rowbell.kinds k where k.name = any (limited) and k.max_running is not null);
  end if;
  return query
  update rowbell.tasks t
  set status = 'PROCESSING', attempt = t.attempt + 1, worker = worker_id, started_at = at, progress = null,
      is_limited = queue.max_running is not null or t.concurrency_key is not null or t.kind = any (counted)
  where t.id = any (chosen)
  returning t.id, t.attempt, t.kind, t.failures, extract(epoch from t.timeout)::double precision, t.payload::text,
    greatest(0, date_part('epoch', at) - date_part('epoch', t.run_at)), t.traceparent, t.error ->> 'traceparent';
end $$;
comment on function rowbell.claim(text, bigint, integer, text[], timestamptz) is
  'For workers: makes up to `slots` due tasks of a queue PROCESSING and returns them, within every limit. Nothing while the queue is paused. RB410: the worker was lost.';
