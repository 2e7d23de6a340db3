-- Ticks only move a schedule into the future, and ring nothing.
create or replace trigger bell_for_schedules after update on rowbell.schedules
for each row when (new.changed_at <> old.changed_at or new.next_run_at < old.next_run_at)
execute function rowbell.ring_for_schedules();
alter table rowbell.schedules enable always trigger bell_for_schedules;
comment on trigger bell_for_schedules on rowbell.schedules is 'Rings for schedules whose times were changed. Disabled, they wait half a minute.';
