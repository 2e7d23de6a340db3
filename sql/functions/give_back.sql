create or replace function rowbell.give_back(stranded bigint[], at timestamptz default now())
returns bigint[] language plpgsql volatile
set enable_seqscan = off set jit = off
as $$
declare
  rescued  bigint[];
  poisoned bigint[];
  ended    bigint[];
begin
  with given_back as (
    update rowbell.tasks t
    set crashes = t.crashes + 1,
        status = case when t.cancel_requested_at is not null then 'CANCELLED'
                      when t.crashes + 1 >= 5 then 'FAILED' else 'PENDING' end::rowbell.task_status,
        finished_at = case when t.cancel_requested_at is not null or t.crashes + 1 >= 5 then at end,
        error = case when t.crashes + 1 >= 5 then jsonb_build_object(
          'type', 'WorkerLost', 'retryable', false, 'attempt', t.attempt, 'at', at,
          'fingerprint', rowbell.fingerprint(t.kind, '{"type": "WorkerLost"}'),
          'message', 'the worker died in each of 5 attempts: the task seems to kill it') else t.error end
    where t.id = any (stranded)
    returning t.id, t.status)
  select array_agg(g.id), array_agg(g.id) filter (where g.status = 'FAILED'), array_agg(g.id) filter (where g.status <> 'PENDING')
  into rescued, poisoned, ended from given_back g;
  perform rowbell.keep_attempts(rescued, 'LOST', at);
  perform rowbell.enqueue_on_failed(poisoned, at);
  perform rowbell.meet(ended, at);
  return rescued;
end $$;
comment on function rowbell.give_back(bigint[], timestamptz) is
  'For rowbell.rescue: makes tasks of lost workers PENDING again, CANCELLED where that was asked for, FAILED after the fifth crash. Their rows are locked. Returns their ids.';
