-- After, not before: a COPY writes its rows many at a time only where nothing is asked before each. Without a WHEN, whose
-- text PostgreSQL would read anew for each statement.
create or replace trigger check_inserts after insert on rowbell.tasks
for each row execute function rowbell.check_inserted();
alter table rowbell.tasks enable always trigger check_inserts;  -- also where session_replication_role is replica, as restores set it
comment on trigger check_inserts on rowbell.tasks is
  'Refuses rows with a column beyond its limits; the refusal names it and says what to do. The limits: sql/functions/refuse_unsound.sql. Notes who may see the others.';
