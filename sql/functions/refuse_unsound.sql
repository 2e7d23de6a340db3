create or replace function rowbell.refuse_unsound(task rowbell.tasks)
returns boolean language plpgsql immutable as $$
begin
  return case
    when task.kind !~ '^[a-z][a-z0-9_]*$' or length(task.kind) > 63 then
      rowbell.refuse('kind_is_named', 'kind', format('kind %L is not a name', left(task.kind, 80)),
        'Write module_action in a-z, 0-9 and _, at most 63 characters: send_email.')
    when task.queue !~ '^[a-z][a-z0-9_]*$' or length(task.queue) > 63 then
      rowbell.refuse('queue_is_named', 'queue', format('queue %L is not a name', left(task.queue, 80)),
        'Use a-z, 0-9 and _, at most 63 characters: reports_nightly.')
    when octet_length(task.payload::text) > 65536 then
      rowbell.refuse('payload_is_small', 'payload',
        format('the payload has %s bytes as JSON, the limit is 65536', octet_length(task.payload::text)),
        'A task carries keys and ids: keep the file elsewhere, and put its key into the payload.')
    when octet_length(task.result::text) > 65536 then
      rowbell.refuse('result_is_small', 'result',
        format('the result has %s bytes as JSON, the limit is 65536', octet_length(task.result::text)),
        'Return a key or a count: keep the data elsewhere.')
    when task.priority not between -100 and 100 then
      rowbell.refuse('priority_is_within_reach', 'priority', format('priority %s is out of reach', task.priority),
        'Use -100 to 100; higher runs first.')
    when task.run_at not between '2000-01-01+00'::timestamptz and '2200-01-01+00'::timestamptz then
      rowbell.refuse('run_at_is_within_reach', 'run_at', format('run_at %s is out of reach', task.run_at),
        'Use an instant between the years 2000 and 2200, or leave it out to run at once.')
    when task.attempt < 0 or task.failures < 0 or task.crashes < 0 then
      rowbell.refuse('attempts_are_counted', 'attempt', 'attempt, failures and crashes cannot be negative',
        'Leave these columns out: the service keeps them.')
    when task.max_attempts not between 1 and 1000 then
      rowbell.refuse('max_attempts_is_positive', 'max_attempts', format('max_attempts %s makes no sense', task.max_attempts),
        'Use 1 to 1000, or leave it out to take the kind''s.')
    when task.timeout not between '1 millisecond'::interval and '7 days'::interval then
      rowbell.refuse('timeout_is_positive', 'timeout', format('timeout %s makes no sense', task.timeout),
        'Use an interval up to 7 days, or leave it out to take the kind''s.')
    when length(task.unique_key) not between 1 and 200 then
      rowbell.refuse('unique_key_is_short', 'unique_key', format('the unique_key has %s characters', length(task.unique_key)),
        'Use 1 to 200 characters, or leave it out.')
    when length(task.description) > 1000 then
      rowbell.refuse('description_is_short', 'description', format('the description has %s characters', length(task.description)),
        'Use at most 1000 characters.')
    when task.audience <> '{}' and not (
      array_ndims(task.audience) = 1 and cardinality(task.audience) <= 100 and array_position(task.audience, null) is null
      and octet_length(array_to_string(task.audience, '')) <= 8192) then
      rowbell.refuse('audience_is_listed', 'audience', 'the audience is no list of at most 100 names',
        'Use at most 100 names, none of them null, 8 KiB in all.')
    when length(task.created_by) not between 1 and 200 then
      rowbell.refuse('created_by_is_short', 'created_by', format('created_by has %s characters', length(task.created_by)),
        'Use 1 to 200 characters, or leave it out.')
    when task.progress not between 0 and 1 then
      rowbell.refuse('progress_is_a_fraction', 'progress', format('progress %s is no fraction', task.progress), 'Use 0 to 1.')
    when length(task.concurrency_key) not between 1 and 200 then
      rowbell.refuse('concurrency_key_is_short', 'concurrency_key',
        format('the concurrency_key has %s characters', length(task.concurrency_key)), 'Use 1 to 200 characters, or leave it out.')
    when task.after is not null and not (
      coalesce(array_ndims(task.after), 0) = 1 and cardinality(task.after) <= 1000 and array_position(task.after, null) is null) then
      rowbell.refuse('after_is_listed', 'after', 'after is no list of 1 to 1000 task ids',
        'Give ids of tasks: array[41, 42]. For more parents give them a batch, and use after_batch.')
    when task.after_failure not in ('cancel', 'run', 'wait') then
      rowbell.refuse('after_failure_is_known', 'after_failure', format('after_failure %L makes no sense', left(task.after_failure, 80)),
        'Use cancel (this task too), run (all the same) or wait (until the parent is retried and completed).')
    when task.parents not in ('open', 'met') then
      rowbell.refuse('parents_are_known', 'parents', format('parents %L makes no sense', left(task.parents, 80)),
        'Leave this column out: the service keeps it.')
    when task.batch = task.after_batch then
      rowbell.refuse('batch_is_another', 'after_batch', 'a task cannot wait for the batch that it belongs to', 'Leave out its own batch.')
    when length(task.batch) not between 1 and 200 then
      rowbell.refuse('batch_is_short', 'batch', 'the name of a batch has 1 to 200 characters', 'Shorten it, or leave it out.')
    when length(task.after_batch) not between 1 and 200 then
      rowbell.refuse('batch_is_short', 'after_batch', 'the name of a batch has 1 to 200 characters', 'Shorten it, or leave it out.')
    when task.traceparent !~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' then
      rowbell.refuse('traceparent_is_sound', 'traceparent', format('the traceparent %L cannot be read', left(task.traceparent, 80)),
        'Write 00-TRACE-SPAN-FLAGS in lower case, with 32, 16 and 2 hexadecimal digits (W3C Trace Context), or leave it out.')
    else true end;
end $$;
comment on function rowbell.refuse_unsound(rowbell.tasks) is
  'For the triggers check_*: raises check_violation for the first column that is not within its limits, with a sentence and a hint; true if all are.';
