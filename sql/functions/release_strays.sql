-- A claim whose answer was lost with its connection leaves tasks that nobody runs. One that was asked
-- to be cancelled meanwhile is CANCELLED, as by a release.
create or replace function rowbell.release_strays(worker_id bigint, held bigint[], claimed_before interval, at timestamptz default now())
returns setof bigint language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
declare
  strays   bigint[];
  attempts integer[];
begin
  select array_agg(s.id), array_agg(s.attempt) into strays, attempts from (
    select t.id, t.attempt from rowbell.tasks t
    where t.worker = worker_id and t.status = 'PROCESSING' and t.id <> all (held) and t.started_at < at - claimed_before
    for update skip locked) s;
  return query select r.id from rowbell.release(strays, attempts, at) r;
end $$;
comment on function rowbell.release_strays(bigint, bigint[], interval, timestamptz) is
  'For workers: makes tasks PENDING again (or CANCELLED where that was asked for) that were claimed for this worker longer ago than the interval but are not among those that it holds. No failure is counted.';
