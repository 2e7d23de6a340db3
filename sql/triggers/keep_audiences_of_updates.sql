create or replace trigger keep_audiences_of_updates after update of audience, created_at, id on rowbell.tasks
for each row when ((old.audience, old.created_at, old.id) is distinct from (new.audience, new.created_at, new.id))
execute function rowbell.keep_audiences();
alter table rowbell.tasks enable always trigger keep_audiences_of_updates;
comment on trigger keep_audiences_of_updates on rowbell.tasks is 'Keeps rowbell.audiences. The updates of claims and completions do not name these columns, and cost nothing.';
