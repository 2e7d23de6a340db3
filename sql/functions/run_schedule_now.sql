create or replace function rowbell.run_schedule_now(schedule_name text, at timestamptz default now())
returns rowbell.tasks language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  schedule rowbell.schedules;
  enqueued bigint[];
  task rowbell.tasks;
begin
  select * into schedule from rowbell.schedules s where s.name = schedule_name for update;
  if not found then
    raise exception using errcode = 'RB404', message = format('there is no schedule %s', schedule_name),
      hint = 'select name from rowbell.schedules lists them.';
  end if;
  enqueued := rowbell.enqueue_scheduled(schedule, array[at]);
  select * into task from rowbell.tasks t where t.id = enqueued[1];
  if not found then
    raise exception using errcode = 'RB409',
      message = format('an open task has the unique_key of schedule %s', schedule_name),
      hint = 'Wait for it, or cancel it.';
  end if;
  return task;
end $$;
comment on function rowbell.run_schedule_now(text, timestamptz) is
  'Enqueues a task of a schedule now, paused or not; its next run stays. Returns the task. RB404: no such schedule. RB409: its unique_key is taken.';
