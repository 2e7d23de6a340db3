-- Find silent workers, and give back what they held. Safe to run anywhere, at any time, by many at
-- once: rows that another sweep has locked are skipped. Nothing here waits for a lock, so no ORDER BY is
-- needed; one by id would lure the planner into walking the primary key past a week of finished rows.
create or replace function rowbell.rescue(most integer default 10000, at timestamptz default now())
returns table (worker bigint, host text, process integer, tasks bigint, poisoned bigint)
language plpgsql volatile
set enable_seqscan = off set jit = off
as $$
#variable_conflict use_column
begin
  update rowbell.workers w set lost_at = at, busy = 0
  where w.id in (
    select s.id from rowbell.workers s
    where s.lost_at is null and s.stopped_at is null and s.beat_at + s.lease < at
    order by s.id for update skip locked);

  return query
  with recursive holder as (  -- the workers that hold tasks, by one probe of tasks_running each
    (select t.worker from rowbell.tasks t where t.status = 'PROCESSING' order by t.worker limit 1)
    union all
    select n.worker from holder h cross join lateral (
      select t.worker from rowbell.tasks t
      where t.status = 'PROCESSING' and t.worker > h.worker order by t.worker limit 1) n),
  dead as (
    select h.worker from holder h
    where not exists (select from rowbell.workers w
                      where w.id = h.worker and w.lost_at is null and w.stopped_at is null)),
  stranded as (
    select t.id from rowbell.tasks t
    where t.status = 'PROCESSING' and t.worker = any (array(select d.worker from dead d))
    limit most for update skip locked),
  rescued as (
    update rowbell.tasks t
    set crashes = t.crashes + 1,
        status = case when t.cancel_requested_at is not null then 'CANCELLED'
                      when t.crashes + 1 >= 5 then 'FAILED' else 'PENDING' end::rowbell.task_status,
        finished_at = case when t.cancel_requested_at is not null or t.crashes + 1 >= 5 then at end,
        error = case when t.crashes + 1 >= 5 then jsonb_build_object(
          'type', 'WorkerLost', 'retryable', false, 'attempt', t.attempt, 'at', at,
          'message', 'the worker died in each of 5 attempts: the task seems to kill it') else t.error end
    from stranded s where t.id = s.id
    returning t.worker, t.status)
  select r.worker, w.host, w.process, count(*), count(*) filter (where r.status = 'FAILED')
  from rescued r left join rowbell.workers w on w.id = r.worker
  group by r.worker, w.host, w.process;
end $$;
comment on function rowbell.rescue(integer, timestamptz) is
  'For sweeps: marks workers lost that were silent for longer than their lease, and makes tasks of lost workers PENDING again. A task that lost five workers is FAILED. Returns a row for each worker that tasks were taken from.';
