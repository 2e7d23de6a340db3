-- For each row with a WHEN: claims and completions, which never make a row due, queue no event at all. A short
-- WHEN, for PostgreSQL reads its text anew for each statement; what else it takes is up to the function.
create or replace trigger bell_for_updates after update of status, run_at, queue, kind, parents, concurrency_key on rowbell.tasks
for each row
when (new.status = 'PENDING')
execute function rowbell.ring_for_update();
alter table rowbell.tasks enable always trigger bell_for_updates;
comment on trigger bell_for_updates on rowbell.tasks is
  'Rings the bell when an UPDATE makes a row due: retry, reschedule, release, met parents, another queue, kind or key.';
