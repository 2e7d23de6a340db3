-- The strata of a queue that hold waiting rows: one row for each (kind, priority), with its first run_at.
create or replace function rowbell.strata(queue_name text, known_kinds text[])
returns table (kind text, priority integer, run_at timestamptz)
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with recursive stratum as (
    select known.kind, head.priority, head.run_at
    from unnest(known_kinds) known (kind)
    cross join lateral (
      select t.priority, t.run_at from rowbell.tasks t
      where t.queue = queue_name and t.kind = known.kind and t.status = 'PENDING'
      order by t.priority, t.run_at limit 1) head
    union all
    select s.kind, head.priority, head.run_at
    from stratum s
    cross join lateral (
      select t.priority, t.run_at from rowbell.tasks t
      where t.queue = queue_name and t.kind = s.kind and t.status = 'PENDING' and t.priority > s.priority
      order by t.priority, t.run_at limit 1) head)
  select s.kind, s.priority, s.run_at from stratum s;
end $$;
comment on function rowbell.strata(text, text[]) is
  'The (kind, priority) pairs that have waiting rows in a queue, each with its earliest run_at, by one index probe each.';
