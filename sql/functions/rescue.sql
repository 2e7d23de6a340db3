-- Find silent workers, and give back what they held. Safe to run anywhere, at any time, by many at
-- once: rows that another sweep has locked are skipped. Nothing here waits for a lock, so no ORDER BY is
-- needed; one by id would lure the planner into walking the primary key past a week of finished rows.
create or replace function rowbell.rescue(most integer default 10000, at timestamptz default now())
returns table (worker bigint, host text, process integer, tasks bigint, poisoned bigint)
language plpgsql volatile
set enable_seqscan = off set jit = off
as $$
#variable_conflict use_column
declare
  dead     bigint[];
  rescued  bigint[];
  poisoned bigint[];
  ended    bigint[];
begin
  update rowbell.workers w set lost_at = at, busy = 0
  where w.id in (
    select s.id from rowbell.workers s
    where s.lost_at is null and s.stopped_at is null and s.beat_at + s.lease < at
    order by s.id for update skip locked);

  dead := array(
    select distinct t.worker from rowbell.tasks t
    where t.status = 'PROCESSING'
      and not exists (select from rowbell.workers w
                      where w.id = t.worker and w.lost_at is null and w.stopped_at is null));
  if dead = '{}' then
    return;
  end if;

  with stranded as (
    select t.id from rowbell.tasks t
    where t.status = 'PROCESSING' and (t.worker is null or t.worker = any (dead))
    limit most for update skip locked),
  given_back as (
    update rowbell.tasks t
    set crashes = t.crashes + 1,
        status = case when t.cancel_requested_at is not null then 'CANCELLED'
                      when t.crashes + 1 >= 5 then 'FAILED' else 'PENDING' end::rowbell.task_status,
        finished_at = case when t.cancel_requested_at is not null or t.crashes + 1 >= 5 then at end,
        error = case when t.crashes + 1 >= 5 then jsonb_build_object(
          'type', 'WorkerLost', 'retryable', false, 'attempt', t.attempt, 'at', at,
          'message', 'the worker died in each of 5 attempts: the task seems to kill it') else t.error end
    from stranded s where t.id = s.id
    returning t.id, t.status)
  select array_agg(g.id), array_agg(g.id) filter (where g.status = 'FAILED'), array_agg(g.id) filter (where g.status <> 'PENDING')
  into rescued, poisoned, ended from given_back g;

  perform rowbell.keep_attempts(rescued, 'LOST', at);
  perform rowbell.enqueue_on_failed(poisoned, at);
  perform rowbell.meet(ended, at);
  return query
  select r.worker, w.host, w.process, count(*), count(*) filter (where r.id = any (coalesce(poisoned, '{}')))
  from rowbell.tasks r left join rowbell.workers w on w.id = r.worker
  where r.id = any (rescued)
  group by r.worker, w.host, w.process;
end $$;
comment on function rowbell.rescue(integer, timestamptz) is
  'For sweeps: marks workers lost that were silent for longer than their lease, and makes tasks of lost workers PENDING again. A task that lost five workers is FAILED. Returns a row for each worker that tasks were taken from.';
