create or replace function rowbell.cancel(task_id bigint, at timestamptz default now())
returns rowbell.tasks language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  task rowbell.tasks;
begin
  select * into task from rowbell.tasks t where t.id = task_id for update;
  if not found then
    raise exception using errcode = 'RB404', message = format('there is no task %s', task_id),
      hint = 'Finished tasks are deleted after the retention.';
  elsif task.status = 'PENDING' then
    update rowbell.tasks t set status = 'CANCELLED', cancel_requested_at = at, finished_at = at
    where t.id = task_id returning * into task;
    perform rowbell.meet(array[task_id], at);
  elsif task.status = 'PROCESSING' then
    update rowbell.tasks t set cancel_requested_at = coalesce(t.cancel_requested_at, at)
    where t.id = task_id returning * into task;
    perform pg_notify('rowbell_cancel', task_id::text);
  else
    raise exception using errcode = 'RB409', message = format('task %s is %s already', task_id, task.status),
      hint = 'Only PENDING and PROCESSING tasks can be cancelled.';
  end if;
  return task;
end $$;
comment on function rowbell.cancel(bigint, timestamptz) is
  'Cancels a task: at once if it is PENDING; a PROCESSING one as soon as its handler has stopped. Returns the row. RB404: no such task. RB409: it is finished.';
