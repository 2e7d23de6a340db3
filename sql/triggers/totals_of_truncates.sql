create or replace trigger totals_of_truncates after truncate on rowbell.tasks
for each statement execute function rowbell.forget_tasks();
alter table rowbell.tasks enable always trigger totals_of_truncates;
comment on trigger totals_of_truncates on rowbell.tasks is 'Keeps rowbell.totals and rowbell.audiences right. The journal does not tell of a TRUNCATE.';
