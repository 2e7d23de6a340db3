-- What rowbell.retry does, for many, in the order in which they are given: rows that somebody has
-- locked are left alone. By key, one by one: as in complete.sql.
create or replace function rowbell.reopen(ids bigint[], statuses rowbell.task_status[], at timestamptz default now())
returns bigint[] language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  reopened bigint[];
begin
  with mine as (
    update rowbell.tasks t
    set status = 'PENDING', run_at = case when t.status = 'CANCELLED' then greatest(t.run_at, at) else at end, failures = 0, crashes = 0, worker = null, progress = null,
        finished_at = null, cancel_requested_at = null, parents = case when t.parents = 'met' then 'met' end
    from (
      select held.id from unnest(ids) given (id)
      cross join lateral (
        select h.id from rowbell.tasks h
        where h.id = given.id and h.status::text = any (statuses::text[]) for update skip locked) held) free
    where t.id = free.id
    returning t.id)
  select coalesce(array_agg(mine.id), '{}') into reopened from mine;
  return reopened;
end $$;
comment on function rowbell.reopen(bigint[], rowbell.task_status[], timestamptz) is
  'For rowbell.retry_where: sends FAILED or CANCELLED tasks back as rowbell.retry does. Returns the ids that it changed.';
