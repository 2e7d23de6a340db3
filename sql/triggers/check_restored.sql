create or replace trigger check_restored after insert on rowbell.tasks
for each row when (new.attempt > 0) execute function rowbell.check_task();
alter table rowbell.tasks enable always trigger check_restored;
comment on trigger check_restored on rowbell.tasks is
  'Keeps rows within their limits that are inserted as if they had run; the CHECK looks at the others.';
