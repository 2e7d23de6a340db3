-- In the transaction in which the tasks become FAILED. What was enqueued so enqueues nothing itself when
-- it fails: two kinds that name each other would go on for ever.
create or replace function rowbell.enqueue_on_failed(failed bigint[], at timestamptz default now())
returns void language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
begin
  if coalesce(cardinality(failed), 0) = 0 then
    return;
  end if;
  insert into rowbell.tasks (kind, queue, run_at, description, audience, created_by, traceparent, payload)
  select k.on_failed, t.queue, at, left('task ' || t.id || ' (' || t.kind || ') has failed', 1000), t.audience, 'rowbell on_failed', t.traceparent,
    k.on_failed_payload || jsonb_build_object(
      case when k.on_failed = 'http_request' then 'json' else 'failed_task' end,
      jsonb_build_object(
        'id', t.id, 'kind', t.kind, 'queue', t.queue, 'description', t.description, 'created_by', t.created_by,
        'attempt', t.attempt, 'failures', t.failures, 'crashes', t.crashes, 'failed_at', at,
        'error_type', t.error ->> 'type', 'error_message', t.error ->> 'message'))
  from rowbell.tasks t join rowbell.kinds k on k.name = t.kind
  where t.id = any (failed) and t.status = 'FAILED' and k.on_failed is not null
    and t.created_by <> 'rowbell on_failed';
end $$;
comment on function rowbell.enqueue_on_failed(bigint[], timestamptz) is
  'For the functions that make tasks FAILED: enqueues the on_failed kind of each, with the facts of the failure as payload.';
