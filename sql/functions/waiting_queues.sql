create or replace function rowbell.waiting_queues(at timestamptz default now())
returns table (queue text, kind text, due_since timestamptz, is_limited boolean)
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with recursive plain as (
    (select t.queue, t.kind from rowbell.tasks t
     where t.status = 'PENDING' and t.concurrency_key is null
       and ((t.after is null and t.after_batch is null) or t.parents = 'met')
     order by t.queue, t.kind limit 1)
    union all
    select n.queue, n.kind from plain p cross join lateral (
      select t.queue, t.kind from rowbell.tasks t
      where t.status = 'PENDING' and t.concurrency_key is null
        and ((t.after is null and t.after_batch is null) or t.parents = 'met')
        and (t.queue, t.kind) > (p.queue, p.kind)
      order by t.queue, t.kind limit 1) n),
  keyed as (
    (select t.queue, t.kind from rowbell.tasks t
     where t.status = 'PENDING' and t.concurrency_key is not null
       and ((t.after is null and t.after_batch is null) or t.parents = 'met')
     order by t.queue, t.kind limit 1)
    union all
    select n.queue, n.kind from keyed k cross join lateral (
      select t.queue, t.kind from rowbell.tasks t
      where t.status = 'PENDING' and t.concurrency_key is not null
        and ((t.after is null and t.after_batch is null) or t.parents = 'met')
        and (t.queue, t.kind) > (k.queue, k.kind)
      order by t.queue, t.kind limit 1) n),
  unseen as (
    (select t.queue from rowbell.tasks t
     where t.status = 'PENDING' and (t.after is not null or t.after_batch is not null) and t.parents is null
     order by t.queue limit 1)
    union all
    select n.queue from unseen u cross join lateral (
      select t.queue from rowbell.tasks t
      where t.status = 'PENDING' and (t.after is not null or t.after_batch is not null) and t.parents is null
        and t.queue > u.queue
      order by t.queue limit 1) n)
  select p.queue, p.kind, min(s.run_at),
    bool_or(s.is_keyed)
      or exists (select from rowbell.queues q where q.name = p.queue and (q.max_running is not null or q.rate is not null))
      or exists (select from rowbell.kinds k where k.name = p.kind and (k.max_running is not null or k.rate is not null))
  from (select * from plain union select * from keyed) p
  cross join lateral rowbell.strata(p.queue, array[p.kind]) s
  group by p.queue, p.kind
  having min(s.run_at) <= at
  union all
  select u.queue, null, at, true from unseen u;
end $$;
comment on function rowbell.waiting_queues(timestamptz) is
  'The (queue, kind) pairs that have due rows, since when, and whether a limit may hold them back; with a null kind: queues with rows whose parents nobody has looked at. Some index probes each, however many rows wait.';
