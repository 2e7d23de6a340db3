-- Counted along the indexes of ready rows, and no further than `most` in each group of one priority: a
-- million waiting rows cost no more than that.
create or replace function rowbell.queue_depths(most integer default 1000, at timestamptz default now())
returns table (queue text, kind text, due bigint, scheduled bigint, is_capped boolean, oldest_due_at timestamptz)
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
begin
  return query
  select w.queue, w.kind, sum(c.due)::bigint, sum(c.scheduled)::bigint, bool_or(greatest(c.due, c.scheduled) >= most),
    min(s.run_at) filter (where s.run_at <= at)
  from rowbell.waiting_queues('infinity') w
  cross join lateral rowbell.strata(w.queue, array[w.kind]) s
  cross join lateral (
    select case when s.is_keyed then (
        select count(*) from (select from rowbell.tasks t
          where t.queue = w.queue and t.kind = w.kind and t.priority = s.priority and t.status = 'PENDING'
            and t.concurrency_key <> '' and ((t.after is null and t.after_batch is null) or t.parents = 'met')
            and t.run_at <= at limit most) l)
      else (
        select count(*) from (select from rowbell.tasks t
          where t.queue = w.queue and t.kind = w.kind and t.priority = s.priority and t.status = 'PENDING'
            and t.concurrency_key is null and ((t.after is null and t.after_batch is null) or t.parents = 'met')
            and t.run_at <= at limit most) l) end as due,
    case when s.is_keyed then (
        select count(*) from (select from rowbell.tasks t
          where t.queue = w.queue and t.kind = w.kind and t.priority = s.priority and t.status = 'PENDING'
            and t.concurrency_key <> '' and ((t.after is null and t.after_batch is null) or t.parents = 'met')
            and t.run_at > at limit most) l)
      else (
        select count(*) from (select from rowbell.tasks t
          where t.queue = w.queue and t.kind = w.kind and t.priority = s.priority and t.status = 'PENDING'
            and t.concurrency_key is null and ((t.after is null and t.after_batch is null) or t.parents = 'met')
            and t.run_at > at limit most) l) end as scheduled) c
  where w.kind is not null
  group by w.queue, w.kind;
end $$;
comment on function rowbell.queue_depths(integer, timestamptz) is
  'How many ready tasks of each queue and kind are due and scheduled, and since when the oldest is due; counted up to `most` for each priority (is_capped), so that it costs the same however many wait.';
