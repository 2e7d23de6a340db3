-- A claim whose answer was lost with its connection leaves tasks that nobody runs. One that was asked
-- to be cancelled meanwhile is CANCELLED, as by a release.
create or replace function rowbell.release_strays(worker_id bigint, held bigint[], claimed_before interval, at timestamptz default now())
returns setof bigint language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
begin
  return query
  update rowbell.tasks t
  set status = case when t.cancel_requested_at is null then 'PENDING' else 'CANCELLED' end::rowbell.task_status,
      finished_at = case when t.cancel_requested_at is null then null else at end,
      worker = null
  where t.id = any (array(
    select s.id from rowbell.tasks s
    where s.worker = worker_id and s.status = 'PROCESSING' and s.id <> all (held) and s.started_at < at - claimed_before
    for update skip locked))
  returning t.id;
end $$;
comment on function rowbell.release_strays(bigint, bigint[], interval, timestamptz) is
  'For workers: makes tasks PENDING again (or CANCELLED where that was asked for) that were claimed for this worker longer ago than the interval but are not among those that it holds. No failure is counted.';
