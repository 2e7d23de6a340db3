create or replace trigger bell_for_queues after update on rowbell.queues
for each row
when ((old.paused_at is not null and new.paused_at is null)
  or (old.max_running, old.rate, old.burst) is distinct from (new.max_running, new.rate, new.burst))
execute function rowbell.ring_for_queue();
alter table rowbell.queues enable always trigger bell_for_queues;
comment on trigger bell_for_queues on rowbell.queues is 'Rings the bell when a queue is resumed, or a limit of it was changed.';
