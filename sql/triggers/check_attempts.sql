-- Of its own, for every claim names this column and has to read the WHEN, which is as short as can be.
create or replace trigger check_attempts after update of attempt on rowbell.tasks
for each row when (new.attempt < 0) execute function rowbell.check_task();
alter table rowbell.tasks enable always trigger check_attempts;
comment on trigger check_attempts on rowbell.tasks is 'Keeps the number of the attempt from falling below 0.';
