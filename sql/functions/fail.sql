-- Finish attempts that failed: PENDING again after a delay, or FAILED when no attempt is left. A delay
-- beyond a year is cut to one: a single absurd one must not refuse the verdicts of a whole batch.
create or replace function rowbell.fail(
  ids bigint[], attempts integer[], errors text[], delays double precision[], at timestamptz default now())
returns table (id bigint, status rowbell.task_status, failures integer, max_attempts integer, on_failed text)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  failed bigint[] := '{}';  -- with an attempt to keep
  ended  bigint[] := '{}';  -- without another attempt
begin
  for id, status, failures, max_attempts, on_failed in
    with verdict as (
      select held.id, o.error, o.delay, held.max_attempts, held.on_failed,
        case
          when held.cancel_requested_at is not null then 'CANCELLED'
          when o.delay is null or held.failures + 1 >= held.max_attempts then 'FAILED'
          else 'PENDING' end::rowbell.task_status as status
      from (select * from unnest(ids, attempts, errors, delays) u (id, attempt, error, delay) order by u.id) o
      cross join lateral (  -- as in complete.sql
        select h.id, h.failures, h.cancel_requested_at,
          coalesce(h.max_attempts, (select k.max_attempts from rowbell.kinds k where k.name = h.kind), 5)
            as max_attempts,
          (select k.on_failed from rowbell.kinds k where k.name = h.kind) as on_failed
        from rowbell.tasks h
        where h.id = o.id and h.attempt = o.attempt and h.status::text = 'PROCESSING'
        for update of h) held)
    update rowbell.tasks t
    set status = v.status, failures = t.failures + 1,
        error = v.error::jsonb || jsonb_build_object('attempt', t.attempt, 'at', at, 'fingerprint', rowbell.fingerprint(t.kind, v.error::jsonb)),
        run_at = case when v.status = 'PENDING' then at + least(greatest(v.delay, 0), 31536000) * interval '1 second' else t.run_at end,
        finished_at = case when v.status = 'PENDING' then null else at end
    from verdict v
    where t.id = v.id
    returning t.id, t.status, t.failures, v.max_attempts, case when v.status = 'FAILED' and t.created_by <> 'rowbell on_failed' then v.on_failed end
  loop
    return next;
    failed := failed || fail.id;
    if fail.status <> 'PENDING' then
      ended := ended || fail.id;
    end if;
  end loop;
  perform rowbell.keep_attempts(failed, 'FAILED', at);
  perform rowbell.enqueue_on_failed(ended, at);
  perform rowbell.meet(ended, at);
end $$;
comment on function rowbell.fail(bigint[], integer[], text[], double precision[], timestamptz) is
  'For workers: counts a failure of attempts; a delay in seconds makes the task PENDING again unless its attempts are used up, null makes it FAILED for good. Returns what became of the tasks that it accepted, and the kind that was enqueued for those that are FAILED.';
