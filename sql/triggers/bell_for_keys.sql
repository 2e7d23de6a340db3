create or replace trigger bell_for_keys after insert or update or delete on rowbell.keys
for each statement execute function rowbell.ring_for_limit();
alter table rowbell.keys enable always trigger bell_for_keys;
comment on trigger bell_for_keys on rowbell.keys is 'Rings the bell when the limit of a key was set, changed or lifted.';
