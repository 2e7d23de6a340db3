-- As a claim would choose: higher priorities first; within a priority the kinds share the slots evenly,
-- so of another kind no more go before a task than of its own. Keys share alike: about, not exactly.
create or replace function rowbell.queue_position(task_id bigint, most integer default 10000, at timestamptz default now())
returns table (ahead bigint, is_capped boolean, rate double precision, expected_seconds double precision)
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
declare
  task    rowbell.tasks;
  kinds   text[];
  own     bigint;
  counted bigint;
  since   timestamptz := date_trunc('minute', at) - interval '1 minute';
  one     record;
begin
  select * into task from rowbell.tasks t where t.id = task_id;
  if task.status is distinct from 'PENDING' or task.run_at > at
     or ((task.after is not null or task.after_batch is not null) and task.parents is distinct from 'met') then
    return;
  end if;
  kinds := array(
    select distinct u.kind from rowbell.workers w, unnest(w.kinds) u (kind)
    where w.lost_at is null and w.stopped_at is null and w.draining_at is null and w.beat_at + w.lease >= at
      and w.queues && array['*', task.queue]);
  if not task.kind = any (kinds) or exists (select from rowbell.queues q where q.name = task.queue and q.paused_at is not null) then
    return;
  end if;

  if task.concurrency_key is null then
    select count(*) into own from (
      select from rowbell.tasks t
      where t.queue = task.queue and t.kind = task.kind and t.priority = task.priority
        and t.status = 'PENDING' and t.concurrency_key is null and ((t.after is null and t.after_batch is null) or t.parents = 'met')
        and (t.run_at, t.id) < (task.run_at, task.id) limit most) l;
  else
    select count(*) into own from (
      select from rowbell.tasks t
      where t.queue = task.queue and t.kind = task.kind and t.priority = task.priority
        and t.status = 'PENDING' and t.concurrency_key <> '' and ((t.after is null and t.after_batch is null) or t.parents = 'met')
        and (t.run_at, t.id) < (task.run_at, task.id) limit most) l;
  end if;
  ahead := own;
  for one in
    select s.kind, s.priority, s.is_keyed from rowbell.strata(task.queue, kinds) s
    where s.run_at <= at and s.priority >= task.priority
      and not (s.priority = task.priority and s.kind = task.kind and s.is_keyed = (task.concurrency_key is not null))
  loop
    exit when ahead >= most;
    counted := case when one.priority = task.priority then least(own + 1, most) else most end;
    if one.is_keyed then
      select count(*) into counted from (
        select from rowbell.tasks t
        where t.queue = task.queue and t.kind = one.kind and t.priority = one.priority
          and t.status = 'PENDING' and t.concurrency_key <> '' and ((t.after is null and t.after_batch is null) or t.parents = 'met')
          and t.run_at <= at limit counted) l;
    else
      select count(*) into counted from (
        select from rowbell.tasks t
        where t.queue = task.queue and t.kind = one.kind and t.priority = one.priority
          and t.status = 'PENDING' and t.concurrency_key is null and ((t.after is null and t.after_batch is null) or t.parents = 'met')
          and t.run_at <= at limit counted) l;
    end if;
    ahead := ahead + counted;
  end loop;
  is_capped := ahead >= most;
  ahead := least(ahead, most);
  select sum(m.started) / extract(epoch from at - since) into rate
  from rowbell.minutes m where m.minute >= since and m.queue = task.queue;
  rate := nullif(rate, 0);
  expected_seconds := (ahead + 1) / rate;
  return next;
end $$;
comment on function rowbell.queue_position(bigint, integer, timestamptz) is
  'How many due tasks go before this one as claims choose, counted up to `most`; how many of its queue were started a second in the last minutes, and in how many seconds it starts at that rate. Nothing unless it is due and a live worker could run it.';
