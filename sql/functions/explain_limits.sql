create or replace function rowbell.explain_limits(task rowbell.tasks)
returns table (reason text)
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
begin
  return query
  with held_by as (
    select 'queue ' || q.name as what, q.max_running as most, format('update rowbell.queues set max_running = %s where name = %L;', greatest(1, q.max_running * 2), q.name) as remedy,
      array(select t.id from rowbell.tasks t where t.status = 'PROCESSING' and t.queue = q.name order by t.id limit q.max_running) as ids
    from rowbell.queues q where q.name = task.queue and q.max_running is not null
    union all
    select 'kind ' || k.name, k.max_running, format('update rowbell.kinds set max_running = %s where name = %L;', greatest(1, k.max_running * 2), k.name),
      array(select t.id from rowbell.tasks t where t.status = 'PROCESSING' and t.kind = k.name order by t.id limit k.max_running)
    from rowbell.kinds k where k.name = task.kind and k.max_running is not null
    union all
    select 'concurrency_key ' || task.concurrency_key, l.most,
      -- One at a time is what keys are for, unless somebody has set another limit.
      case when l.most <> 1 then
        format('insert into rowbell.keys (name, max_running) values (%L, %s) on conflict (name) do update set max_running = excluded.max_running;',
          task.concurrency_key, greatest(1, l.most * 2)) end,
      array(select t.id from rowbell.tasks t
            where t.status = 'PROCESSING' and t.concurrency_key is not null and t.concurrency_key = task.concurrency_key
            order by t.id limit l.most)
    from (select coalesce(
      (select k.max_running from rowbell.keys k where k.name = task.concurrency_key),
      (select k.max_running_per_key from rowbell.kinds k where k.name = task.kind), 1) as most) l
    where task.concurrency_key is not null)
  select format('Its %s may run %s at once, and %s: %s%s.%s', h.what, h.most, rowbell.many(cardinality(h.ids), 'runs', 'run'),
    coalesce(nullif(array_to_string(h.ids[1:10], ', '), ''), 'none'), case when cardinality(h.ids) > 10 then ', …' else '' end, ' To raise it: ' || h.remedy)
  from held_by h where cardinality(h.ids) >= h.most;

  return query
  with rates as (
    select 'queue ' || q.name as what, q.rate, rowbell.tokens('queue', q.name, q.rate, q.burst) as tokens
    from rowbell.queues q where q.name = task.queue and q.rate is not null
    union all
    select 'kind ' || k.name, k.rate, rowbell.tokens('kind', k.name, k.rate, k.burst)
    from rowbell.kinds k where k.name = task.kind and k.rate is not null)
  select format('Its %s starts %s a second at the most: the next one in %s s.', r.what, round(r.rate::numeric, 3), round(((1 - r.tokens) / r.rate)::numeric, 1))
  from rates r where r.tokens < 1;
end $$;
comment on function rowbell.explain_limits(rowbell.tasks) is 'For rowbell.explain: the limits that hold back a PENDING task now, and the tasks that take them up.';
