create or replace function rowbell.explain(task_id bigint)
returns table (reason text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  task   rowbell.tasks;
  worker rowbell.workers;
  said   boolean := false;
begin
  select * into task from rowbell.tasks t where t.id = task_id;
  if not found then
    raise exception using errcode = 'RB404', message = format('there is no task %s', task_id),
      hint = 'Finished tasks are deleted after the retention.';
  end if;

  if task.status = 'PROCESSING' then
    select * into worker from rowbell.workers w where w.id = task.worker;
    return query select format('It runs since %s, attempt %s, on worker %s (%s, process %s).',
      rowbell.ago(task.started_at), task.attempt, task.worker, coalesce(worker.host, '?'), coalesce(worker.process::text, '?'));
    if worker.lost_at is not null or worker.beat_at + worker.lease < now() then
      return query select format('That worker was silent for %s, longer than its lease: the next sweep gives the task to another.',
        rowbell.ago(worker.beat_at));
    end if;
    if task.cancel_requested_at is not null then
      return query select format('Its cancel was asked for %s ago: its handler has not stopped yet.', rowbell.ago(task.cancel_requested_at));
    end if;
    return;
  elsif task.status <> 'PENDING' then
    return query select format('It is %s since %s.', task.status, rowbell.ago(task.finished_at));
    if task.status in ('FAILED', 'CANCELLED') then
      if task.error is not null then
        return query select format('The last error, after %s: %s: %s', rowbell.many(task.failures, 'failure'), task.error ->> 'type', task.error ->> 'message');
      end if;
      return query select format('To run it again: select rowbell.retry(%s);', task_id);
    end if;
    return;
  end if;

  return query select e.reason from rowbell.explain_parents(task) e;
  said := found;
  if task.run_at > now() then
    said := true;
    if task.failures > 0 then
      return query select format('It backs off after %s (the last: %s: %s): the next attempt is in %s, at %s.',
        rowbell.many(task.failures, 'failure'), task.error ->> 'type', task.error ->> 'message', rowbell.ago(task.run_at), date_trunc('second', task.run_at));
    else
      return query select format('It is scheduled: it is due in %s, at %s.', rowbell.ago(task.run_at), date_trunc('second', task.run_at));
    end if;
  end if;
  return query select e.reason from rowbell.explain_workers(task) e;
  said := said or found;
  return query select e.reason from rowbell.explain_limits(task) e;
  if not (said or found) then
    return query select 'It waits for a free slot.'::text;
  end if;
  return query
  select case
    when p.rate is null then ahead.sentence || '.'
    else format('%s; at the present rate, %s a second, it starts in about %s.', ahead.sentence,
      round(p.rate::numeric, 1), rowbell.ago(now() + p.expected_seconds * interval '1 second')) end
  from rowbell.queue_position(task_id) p
  cross join lateral (select case
    when p.is_capped then 'More than 10,000 tasks are ahead of it'
    when p.ahead = 0 then 'It is the next'
    when p.ahead = 1 then 'One task is ahead of it'
    else format('About %s tasks are ahead of it', p.ahead) end as sentence) ahead
  where p.ahead > 0 or p.rate is not null;
end $$;
comment on function rowbell.explain(bigint) is
  'Why a task is not running (or what it does instead), in sentences with the numbers and the SQL that helps. RB404: no such task.';
