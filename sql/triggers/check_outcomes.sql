create or replace trigger check_outcomes after update of result, progress on rowbell.tasks
for each row when (num_nonnulls(new.result, new.progress) > 0) execute function rowbell.check_outcome();
alter table rowbell.tasks enable always trigger check_outcomes;
comment on trigger check_outcomes on rowbell.tasks is 'Keeps result and progress within their limits.';
