-- The strata of a queue that hold ready rows: one row for each (kind, priority), apart for rows with
-- and without a concurrency_key, with its first run_at.
-- One query finds the first stratum of each kind, and a loop those after it: few kinds have one. As one recursive
-- query it took five times as long, most of it to start the executor.
create or replace function rowbell.strata(queue_name text, known_kinds text[])
returns table (kind text, priority integer, is_keyed boolean, run_at timestamptz)
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
declare
  lower_priority integer;
  has_keys       boolean := exists (
    select from rowbell.tasks t
    where t.queue = queue_name and t.status = 'PENDING' and t.concurrency_key <> ''
      and ((t.after is null and t.after_batch is null) or t.parents = 'met'));
begin
  is_keyed := false;
  for kind, priority, run_at in
    select k.name, f.priority, f.run_at from unnest(known_kinds) k (name)
    cross join lateral (
      select t.priority, t.run_at from rowbell.tasks t
      where t.queue = queue_name and t.kind = k.name and t.status = 'PENDING' and t.concurrency_key is null
        and ((t.after is null and t.after_batch is null) or t.parents = 'met')
      order by t.priority, t.run_at limit 1) f
  loop
    loop
      return next;
      lower_priority := strata.priority;
      select t.priority, t.run_at into priority, run_at from rowbell.tasks t
      where t.queue = queue_name and t.kind = strata.kind and t.priority > lower_priority
        and t.status = 'PENDING' and t.concurrency_key is null
        and ((t.after is null and t.after_batch is null) or t.parents = 'met')
      order by t.priority, t.run_at limit 1;
      exit when not found;
    end loop;
  end loop;
  if not has_keys then
    return;
  end if;
  is_keyed := true;
  foreach kind in array known_kinds loop
    lower_priority := -101;  -- below the least that is let in
    loop
      select t.priority, t.run_at into priority, run_at from rowbell.tasks t
      where t.queue = queue_name and t.kind = strata.kind and t.priority > lower_priority
        and t.status = 'PENDING' and t.concurrency_key <> ''
        and ((t.after is null and t.after_batch is null) or t.parents = 'met')
      order by t.priority, t.run_at limit 1;
      exit when not found;
      return next;
      lower_priority := strata.priority;
    end loop;
  end loop;
end $$;
comment on function rowbell.strata(text, text[]) is
  'The (kind, priority, has a key) groups that have ready rows in a queue, each with its earliest run_at, by one index probe each.';
