create or replace trigger bell_for_inserts after insert on rowbell.tasks
referencing new table as inserted for each statement execute function rowbell.ring_for_inserts();
alter table rowbell.tasks enable always trigger bell_for_inserts;  -- also where session_replication_role is replica, as restores set it
comment on trigger bell_for_inserts on rowbell.tasks is
  'Rings the bell for inserted rows. Disabled, tasks wait for the next sweep.';
