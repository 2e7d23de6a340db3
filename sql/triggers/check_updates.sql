-- Of a claim and a completion it names no column.
create or replace trigger check_updates after update of
  kind, queue, payload, priority, run_at, failures, crashes, max_attempts, timeout, unique_key, description, audience,
  created_by, concurrency_key, after, after_batch, after_failure, parents, batch, traceparent on rowbell.tasks
for each row execute function rowbell.check_task();
alter table rowbell.tasks enable always trigger check_updates;
comment on trigger check_updates on rowbell.tasks is 'Keeps the columns that people write within their limits.';
