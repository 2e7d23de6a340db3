create or replace trigger journal_inserts after insert on rowbell.tasks
referencing new table as inserted for each statement execute function rowbell.journal_inserts();
alter table rowbell.tasks enable always trigger journal_inserts;
comment on trigger journal_inserts on rowbell.tasks is 'Writes the journal.';
