-- Whatever changes when a schedule is due voids what was planned: next_run_at is computed anew. The
-- zone is looked up here and not in a CHECK, which every tick would have to pay for.
create or replace function rowbell.notice_schedule()
returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if (tg_op = 'INSERT' or new.time_zone <> old.time_zone)
    and not exists (select from pg_timezone_names z where z.name = new.time_zone) then
    perform rowbell.refuse('time_zone_is_known', 'time_zone', format('time_zone %L is not known', left(new.time_zone, 80)),
      'Write an IANA name: Europe/Berlin. select name from pg_timezone_names lists them.', 'schedules');
  end if;
  if tg_op = 'INSERT' then
    return new;
  end if;
  if (new.cron, new.every, new.time_zone, new.starts_at, new.source, new.paused_at is null)
    is distinct from (old.cron, old.every, old.time_zone, old.starts_at, old.source, old.paused_at is null) then
    new.next_run_at := null;
    new.problem := null;
    new.changed_at := clock_timestamp();
  end if;
  if old.source = 'code' and coalesce(current_setting('rowbell.declares', true), '') <> 'yes' and
    (new.kind, new.payload, new.description, new.queue, new.priority, new.max_attempts, new.timeout, new.unique_key,
     new.concurrency_key, new.audience, new.cron, new.every, new.time_zone, new.missed, new.starts_at)
    is distinct from
    (old.kind, old.payload, old.description, old.queue, old.priority, old.max_attempts, old.timeout, old.unique_key,
     old.concurrency_key, old.audience, old.cron, old.every, old.time_zone, old.missed, old.starts_at) then
    new.source := 'sql';
  end if;
  return new;
end $$;
comment on function rowbell.notice_schedule() is
  'Trigger function: refuses unknown time zones, has next_run_at computed anew when the times of a schedule change, and makes a schedule of the code that somebody changes by hand one of sql.';
