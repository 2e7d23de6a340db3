-- End attempts without a verdict: a drain, or a cancel that was asked for. No failure is counted.
create or replace function rowbell.release(ids bigint[], attempts integer[], at timestamptz default now())
returns table (id bigint, status rowbell.task_status)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  cancelled bigint[] := '{}';
begin
  for id, status in
    update rowbell.tasks t
    set status = case when t.cancel_requested_at is null then 'PENDING' else 'CANCELLED' end::rowbell.task_status,
        finished_at = case when t.cancel_requested_at is null then null else at end,
        worker = null
    from (
      select held.id
      from (select * from unnest(ids, attempts) u (id, attempt) order by u.id) given
      cross join lateral (  -- as in complete.sql
        select h.id from rowbell.tasks h
        where h.id = given.id and h.attempt = given.attempt and h.status::text = 'PROCESSING'
        for update) held) mine
    where t.id = mine.id
    returning t.id, t.status
  loop
    return next;
    if release.status = 'CANCELLED' then
      cancelled := cancelled || release.id;
    end if;
  end loop;
  perform rowbell.meet(cancelled, at);
end $$;
comment on function rowbell.release(bigint[], integer[], timestamptz) is
  'For workers: ends attempts without counting a failure: PENDING again, or CANCELLED where that was asked for. Returns what became of the tasks that it accepted.';
