-- Finish attempts that succeeded.
-- Each row is found by its key and locked by the UPDATE in the order of ids, so that two batches never wait for each
-- other in a circle: a nested loop goes through them as they are sorted. status::text leaves the planner no other
-- way: with the statistics of an almost empty table it would read tasks_running for every row instead.
-- The UPDATE joins by id, not by ctid: a row that a cancel or a progress report changed while this
-- waited for its lock has another ctid, which this statement's snapshot does not see.
create or replace function rowbell.complete(
  ids bigint[], attempts integer[], results text[], at timestamptz default now())
returns setof bigint
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_memoize = off set enable_material = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  completed bigint[];
  said      text := set_config('rowbell.event', 'COMPLETED', true);  -- to the journal, as in claim
begin
  with done as (
    update rowbell.tasks t
    set status = 'COMPLETED', finished_at = at, result = o.result::jsonb
    from (select * from unnest(ids, attempts, results) u (id, attempt, result) order by u.id) o
    where t.id = o.id and t.attempt = o.attempt and t.status::text = 'PROCESSING'
    returning t.id)
  select array_agg(done.id) into completed from done;
  perform rowbell.meet(completed, at);

  if coalesce(cardinality(completed), 0) < cardinality(ids) then
    return query
    select given.id from unnest(ids, attempts) given (id, attempt)
    where not given.id = any (coalesce(completed, '{}'))
      -- Written before: the answer of an earlier call was lost, or the handler completed it itself.
      and not exists (select from rowbell.tasks t
                      where t.id = given.id and t.attempt = given.attempt and t.status = 'COMPLETED');
  end if;
end $$;
comment on function rowbell.complete(bigint[], integer[], text[], timestamptz) is
  'For workers: makes attempts COMPLETED with their results (JSON text or null). Returns the ids that it refused, because the task belongs to another attempt.';
