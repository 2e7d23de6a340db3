create or replace trigger bell_for_kinds after update of max_running, max_running_per_key, rate, burst on rowbell.kinds
for each row
when ((old.max_running, old.max_running_per_key, old.rate, old.burst)
  is distinct from (new.max_running, new.max_running_per_key, new.rate, new.burst))
execute function rowbell.ring_for_limit();
alter table rowbell.kinds enable always trigger bell_for_kinds;
comment on trigger bell_for_kinds on rowbell.kinds is 'Rings the bell when a limit of a kind was changed.';
