create or replace function rowbell.due_schedules(at timestamptz default now())
returns table (
  name text, cron text, every interval, time_zone text, missed text, starts_at timestamptz,
  changed_at timestamptz, next_run_at timestamptz, asked_at timestamptz)
language sql stable as $$
  with active as (
    select s.* from rowbell.schedules s
    where s.paused_at is null and s.problem is null
      and (s.source = 'sql' or s.declared_at > at - interval '1 day'))
  select a.name, a.cron, a.every, a.time_zone, a.missed, a.starts_at, a.changed_at, a.next_run_at, at from active a
  where a.next_run_at is null or a.next_run_at <= at
  union all
  (select a.name, a.cron, a.every, a.time_zone, a.missed, a.starts_at, a.changed_at, a.next_run_at, at from active a
   where a.next_run_at > at order by a.next_run_at limit 1)
$$;
comment on function rowbell.due_schedules(timestamptz) is
  'For workers: the schedules that are due, those without a next_run_at yet, and the next one that lies ahead. asked_at is the instant of the question, by the server''s clock.';
