-- A short WHEN, for PostgreSQL reads its text anew for each statement; what else it takes is up to the function.
create or replace trigger bell_for_limits after update of status on rowbell.tasks
for each row when (old.is_limited)
execute function rowbell.ring_for_limit();
alter table rowbell.tasks enable always trigger bell_for_limits;
comment on trigger bell_for_limits on rowbell.tasks is 'Rings the bell when a task under a limit ends: another one may start.';
