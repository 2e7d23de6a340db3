-- What was counted and how far are written by one transaction, and one counts at a time: so every event
-- counts once, whatever crashes. The order is of no concern here, so a long backlog is cut by xid, which
-- the index can do: the snapshot is one in which later transactions had not begun.
create or replace function rowbell.fold_journal(most integer default 50000)
returns bigint language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set jit = off as $$
declare
  since  pg_snapshot;
  upto   pg_snapshot;
  bound  xid8;
  folded bigint;
begin
  if not pg_try_advisory_xact_lock(1919907682, 6) then
    return 0;
  end if;
  select s.fold_cursor into since from rowbell.journal_state s;
  upto := pg_current_snapshot();
  select j.xid into bound from rowbell.journal j
  where j.xid >= pg_snapshot_xmax(since) order by j.xid offset most limit 1;
  if bound < pg_snapshot_xmax(upto) then
    bound := (bound::text::numeric + 1)::text::xid8;
    upto := format('%s:%s:%s', least(pg_snapshot_xmin(upto), bound), bound,
      (select string_agg(x::text, ',' order by x) from pg_snapshot_xip(upto) x where x < bound))::pg_snapshot;
  end if;

  with unseen as (
    select j.* from rowbell.journal j where j.xid >= pg_snapshot_xmax(since) and j.xid < pg_snapshot_xmax(upto)
    union all
    select k.* from rowbell.journal k where k.xid = any (array(select pg_snapshot_xip(since)))),
  fresh as materialized (select u.* from unseen u where pg_visible_in_snapshot(u.xid, upto)),
  counted as (
    insert into rowbell.minutes as m (minute, queue, kind, created, started, completed, failed, cancelled, retried, lost, waits, runs)
    select date_trunc('minute', f.at), f.queue, f.kind,
      count(*) filter (where f.event = 'CREATED'), count(*) filter (where f.event = 'STARTED'),
      count(*) filter (where f.event = 'COMPLETED'), count(*) filter (where f.event = 'FAILED'),
      count(*) filter (where f.event = 'CANCELLED'), count(*) filter (where f.event = 'RETRY_SCHEDULED'),
      count(*) filter (where f.event = 'LOST'),
      rowbell.count_buckets(array_agg(width_bucket(f.wait_seconds::float8, rowbell.histogram_bounds())) filter (where f.wait_seconds is not null)),
      rowbell.count_buckets(array_agg(width_bucket(f.run_seconds::float8, rowbell.histogram_bounds())) filter (where f.run_seconds is not null))
    from fresh f group by 1, 2, 3 order by 1, 2, 3
    on conflict on constraint minutes_pkey do update set
      created = m.created + excluded.created, started = m.started + excluded.started,
      completed = m.completed + excluded.completed, failed = m.failed + excluded.failed,
      cancelled = m.cancelled + excluded.cancelled, retried = m.retried + excluded.retried, lost = m.lost + excluded.lost,
      waits = rowbell.add_counts(m.waits, excluded.waits), runs = rowbell.add_counts(m.runs, excluded.runs)),
  failed as (
    insert into rowbell.error_hours as h (hour, fingerprint, queue, kind, error_type, failures, first_at, last_at, last_task, last_attempt)
    select date_trunc('hour', f.at), f.detail ->> 'fingerprint', f.queue, min(f.kind), coalesce(min(f.detail ->> 'error_type'), 'ERROR'),
      count(*), min(f.at), max(f.at), (array_agg(f.task_id order by f.id desc))[1], (array_agg(f.attempt order by f.id desc))[1]
    from fresh f where f.event in ('FAILED', 'RETRY_SCHEDULED') and f.detail ? 'fingerprint' group by 1, 2, 3 order by 1, 2, 3
    on conflict on constraint error_hours_pkey do update set
      failures = h.failures + excluded.failures, first_at = least(h.first_at, excluded.first_at), last_at = greatest(h.last_at, excluded.last_at),
      last_task = excluded.last_task, last_attempt = excluded.last_attempt),
  moved as (
    insert into rowbell.totals as t (queue, kind, status, tasks)
    select s.queue, s.kind, s.status, sum(s.step) from (
      select f.queue, f.kind, f.status, 1 as step from fresh f
      union all
      select coalesce(f.detail ->> 'queue_before', f.queue), coalesce(f.detail ->> 'kind_before', f.kind), f.status_before, -1
      from fresh f) s
    where s.status is not null group by 1, 2, 3 having sum(s.step) <> 0 order by 1, 2, 3
    on conflict on constraint totals_pkey do update set tasks = t.tasks + excluded.tasks)
  select count(*) into folded from fresh;
  update rowbell.journal_state s set fold_cursor = upto;
  return folded;
end $$;
comment on function rowbell.fold_journal(integer) is
  'For sweeps: counts what is new in the journal into rowbell.minutes, rowbell.error_hours and rowbell.totals. Returns how many events; call again while it is `most` or more.';
