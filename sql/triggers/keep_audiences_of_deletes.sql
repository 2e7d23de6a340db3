create or replace trigger keep_audiences_of_deletes after delete on rowbell.tasks
for each row when (old.audience <> '{}') execute function rowbell.keep_audiences();
alter table rowbell.tasks enable always trigger keep_audiences_of_deletes;
comment on trigger keep_audiences_of_deletes on rowbell.tasks is 'Keeps rowbell.audiences.';
