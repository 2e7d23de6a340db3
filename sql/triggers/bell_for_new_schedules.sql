create or replace trigger bell_for_new_schedules after insert on rowbell.schedules
for each statement execute function rowbell.ring_for_schedules();
alter table rowbell.schedules enable always trigger bell_for_new_schedules;
comment on trigger bell_for_new_schedules on rowbell.schedules is 'Rings for new schedules. Disabled, they wait half a minute.';
