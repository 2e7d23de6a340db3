create or replace function rowbell.tell_stack(
  of_task bigint, of_attempt integer, of_worker bigint, told_stack text, told_reason text)
returns void language sql volatile as $$
  insert into rowbell.stacks (task_id, attempt, worker, at, stack, reason)
  values (of_task, of_attempt, of_worker, clock_timestamp(), told_stack, told_reason)
  on conflict on constraint stacks_pkey do update
  set attempt = excluded.attempt, worker = excluded.worker, at = excluded.at, stack = excluded.stack, reason = excluded.reason
$$;
comment on function rowbell.tell_stack(bigint, integer, bigint, text, text) is
  'For workers: answers NOTIFY rowbell_stacks, which asks where the handler of a task is.';
