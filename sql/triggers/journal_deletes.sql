create or replace trigger journal_deletes after delete on rowbell.tasks
referencing old table as deleted for each statement execute function rowbell.journal_deletes();
alter table rowbell.tasks enable always trigger journal_deletes;
comment on trigger journal_deletes on rowbell.tasks is 'Writes the journal.';
