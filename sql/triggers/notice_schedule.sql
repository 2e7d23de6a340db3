create or replace trigger notice_schedule before insert or update of
  kind, payload, description, queue, priority, max_attempts, timeout, unique_key, concurrency_key, audience,
  cron, every, time_zone, missed, starts_at, paused_at, source on rowbell.schedules
for each row execute function rowbell.notice_schedule();
comment on trigger notice_schedule on rowbell.schedules is 'Looks at what people and code write, not at ticks.';
