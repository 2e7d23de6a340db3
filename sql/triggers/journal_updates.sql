create or replace trigger journal_updates after update on rowbell.tasks
referencing old table as before new table as after for each statement execute function rowbell.journal_updates();
alter table rowbell.tasks enable always trigger journal_updates;
comment on trigger journal_updates on rowbell.tasks is 'Writes the journal.';
