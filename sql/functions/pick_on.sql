-- Until vacuum, entries of rows that were claimed lie at the head of their stratum, and every claim steps over
-- all of them; while some snapshot is held, vacuum cannot take them away. So for a tenth of a second a session
-- goes on where its last claim stopped: while one stratum without limits is all there is, and fills every slot.
-- What came before that place meanwhile, or has a higher priority, is found by the next claim from the start.
-- Few slots are filled from the start at once: then the order is worth more than the steps.
create or replace function rowbell.pick_on(queue_name text, slots integer, known_kinds text[], at timestamptz)
returns bigint[] language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  -- queue, kind, priority, microseconds of run_at, id, microseconds of the last claim from the start
  place     text[] := string_to_array(current_setting('rowbell.place', true), ' ');
  marked_at timestamptz;
  picked    bigint[];
begin
  if slots < 20 or place[1] is distinct from queue_name or place[2] <> all (known_kinds) then
    return '{}';
  end if;
  marked_at := 'epoch'::timestamptz + place[6]::bigint * interval '1 microsecond';
  if clock_timestamp() not between marked_at and marked_at + interval '0.1 s'
     or exists (select from rowbell.kinds k where k.name = place[2] and (k.max_running is not null or k.rate is not null)) then
    perform set_config('rowbell.place', '', false);  -- spares the next claims the way here
    return '{}';
  end if;
  picked := array(
    select t.id from rowbell.tasks t
    where t.queue = queue_name and t.kind = place[2] and t.priority = place[3]::integer
      and t.status = 'PENDING' and t.concurrency_key is null
      and ((t.after is null and t.after_batch is null) or t.parents = 'met')
      and t.run_at <= at
      and (t.run_at, t.id) > ('epoch'::timestamptz + place[4]::bigint * interval '1 microsecond', place[5]::bigint)
    order by t.run_at, t.id
    limit slots
    for update skip locked);
  if cardinality(picked) < slots then
    return '{}';
  end if;
  perform rowbell.mark_place(picked[slots], marked_at);
  return picked;
end $$;
comment on function rowbell.pick_on(text, integer, text[], timestamptz) is
  'For claim: as many due rows as there are slots, from where the last claim of this session stopped; empty: claim from the start.';
