create or replace function rowbell.retry(task_id bigint, at timestamptz default now())
returns rowbell.tasks language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  task rowbell.tasks;
begin
  select * into task from rowbell.tasks t where t.id = task_id for update;
  if not found then
    raise exception using errcode = 'RB404', message = format('there is no task %s', task_id),
      hint = 'Finished tasks are deleted after the retention.';
  elsif task.status not in ('FAILED', 'CANCELLED') then
    raise exception using errcode = 'RB409', message = format('task %s is %s', task_id, task.status),
      hint = 'Only FAILED and CANCELLED tasks can be retried.';
  end if;
  update rowbell.tasks t
  -- What was cancelled before its time, perhaps by mistake, still has it.
  set status = 'PENDING', run_at = case when t.status = 'CANCELLED' then greatest(t.run_at, at) else at end, failures = 0, crashes = 0, worker = null, progress = null,
      finished_at = null, cancel_requested_at = null,
      parents = case when t.parents = 'met' then 'met' end
  where t.id = task_id returning * into task;
  return task;
end $$;
comment on function rowbell.retry(bigint, timestamptz) is
  'Sends a FAILED or CANCELLED task back to PENDING, due now (one that was CANCELLED before its time: at its time), with its failures at 0. Returns the row. RB404: no such task. RB409: it is not FAILED or CANCELLED.';
