-- What is not the caller's looks like what is not there: the same words as in cancel.sql and retry.sql.
create or replace function rowbell.check_may_change(
  task_id bigint, subject text, audiences text[], role text)
returns bigint language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  task rowbell.tasks;
begin
  select * into task from rowbell.tasks t
  where t.id = task_id and rowbell.may_see(t.created_by, t.audience, subject, audiences, role);
  if not found then
    raise exception using errcode = 'RB404', message = format('there is no task %s', task_id),
      hint = 'Finished tasks are deleted after the retention.';
  elsif rowbell.may_change(task.created_by, subject, role) is not true then
    raise exception using errcode = 'insufficient_privilege', message = format('task %s is not yours', task_id),
      hint = 'It is shared with you for reading: ask who created it, or an operator.';
  end if;
  return task_id;
end $$;
comment on function rowbell.check_may_change(bigint, text, text[], text) is
  'The id, if a caller of the API may cancel or retry this task. RB404: no such task, or the caller may not see it. 42501: it may see it, and no more.';
