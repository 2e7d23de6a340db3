create or replace function rowbell.waiting_queues(at timestamptz default now())
returns table (queue text, kind text, due_since timestamptz)
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with recursive pair as (
    (select t.queue, t.kind from rowbell.tasks t
     where t.status = 'PENDING' order by t.queue, t.kind limit 1)
    union all
    select n.queue, n.kind from pair p cross join lateral (
      select t.queue, t.kind from rowbell.tasks t
      where t.status = 'PENDING' and (t.queue, t.kind) > (p.queue, p.kind)
      order by t.queue, t.kind limit 1) n)
  select p.queue, p.kind, min(s.run_at)
  from pair p cross join lateral rowbell.strata(p.queue, array[p.kind]) s
  group by p.queue, p.kind
  having min(s.run_at) <= at;
end $$;
comment on function rowbell.waiting_queues(timestamptz) is
  'The (queue, kind) pairs that have due rows, and since when; some index probes each, however many rows wait.';
