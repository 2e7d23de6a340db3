create or replace function rowbell.keep_attempts(ids bigint[], of_outcome text, at timestamptz default now())
returns void language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
begin
  insert into rowbell.attempts (task_id, attempt, worker, started_at, ended_at, outcome, error)
  select t.id, t.attempt, t.worker, t.started_at, at, of_outcome,
    case when of_outcome = 'LOST' then
      '{"type": "WorkerLost", "message": "its worker was silent for longer than the lease"}'
    else t.error - 'attempt' - 'at' end
  from rowbell.tasks t where t.id = any (ids)
  -- It may have lines already.
  on conflict (task_id, attempt) do update
  set outcome = excluded.outcome, error = excluded.error, ended_at = excluded.ended_at;
end $$;
comment on function rowbell.keep_attempts(bigint[], text, timestamptz) is
  'For the functions that end attempts: keeps the last attempt at these tasks, with the error that is in the task.';
