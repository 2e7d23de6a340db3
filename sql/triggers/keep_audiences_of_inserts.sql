create or replace trigger keep_audiences_of_inserts after insert on rowbell.tasks
for each row when (new.audience <> '{}') execute function rowbell.keep_audiences();
alter table rowbell.tasks enable always trigger keep_audiences_of_inserts;
comment on trigger keep_audiences_of_inserts on rowbell.tasks is 'Keeps rowbell.audiences. Costs nothing but a comparison for a task without an audience.';
