create or replace trigger audiences_of_deletes after delete on rowbell.tasks
for each row when (old.audience <> '{}') execute function rowbell.keep_audiences();
alter table rowbell.tasks enable always trigger audiences_of_deletes;
comment on trigger audiences_of_deletes on rowbell.tasks is 'Keeps rowbell.audiences.';
