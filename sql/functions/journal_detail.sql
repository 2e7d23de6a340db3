create or replace function rowbell.journal_detail(
  event rowbell.task_event, kind_before text, kind text, queue_before text, queue text,
  error jsonb, run_at timestamptz, found_by text)
returns jsonb language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return case
    when kind_before <> kind or queue_before <> queue then jsonb_strip_nulls(jsonb_build_object(
      'kind_before', nullif(kind_before, kind), 'queue_before', nullif(queue_before, queue)))
    when event = 'RETRY_SCHEDULED' then jsonb_build_object('error_type', left(error ->> 'type', 200), 'run_at', run_at)
      || jsonb_strip_nulls(jsonb_build_object('fingerprint', left(error ->> 'fingerprint', 16)))
    when event = 'FAILED' then jsonb_strip_nulls(jsonb_build_object('error_type', left(error ->> 'type', 200),
      'fingerprint', left(error ->> 'fingerprint', 16)))
    when event = 'STARTED' then jsonb_build_object('found_by', found_by) end;
end $$;
comment on function rowbell.journal_detail(rowbell.task_event, text, text, text, text, jsonb, timestamptz, text) is
  'For journal_updates: what rowbell.journal.detail says of an event that changed the status of a task.';
