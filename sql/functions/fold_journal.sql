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
  -- Thousands of entries are alike in all that is counted: they are gone through once.
  alike as materialized (
    select date_trunc('minute', u.at) as minute, u.queue, u.kind, u.event, u.status, u.status_before,
      u.detail ->> 'queue_before' as queue_before, u.detail ->> 'kind_before' as kind_before,
      width_bucket(u.wait_seconds::float8, rowbell.histogram_bounds()) as wait,
      width_bucket(u.run_seconds::float8, rowbell.histogram_bounds()) as run,
      u.detail ->> 'fingerprint' as fingerprint, min(u.detail ->> 'error_type') as error_type,
      min(u.at) as first_at, max(u.at) as last_at,
      max(array[u.id, u.task_id, u.attempt]) filter (where u.detail is not null) as latest, count(*) as entries
    from unseen u where pg_visible_in_snapshot(u.xid, upto) group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
  counted as (
    insert into rowbell.minutes as m (minute, queue, kind, created, started, completed, failed, cancelled, retried, lost, waits, runs)
    select a.minute, a.queue, a.kind,
      coalesce(sum(a.entries) filter (where a.event = 'CREATED'), 0), coalesce(sum(a.entries) filter (where a.event = 'STARTED'), 0),
      coalesce(sum(a.entries) filter (where a.event = 'COMPLETED'), 0), coalesce(sum(a.entries) filter (where a.event = 'FAILED'), 0),
      coalesce(sum(a.entries) filter (where a.event = 'CANCELLED'), 0), coalesce(sum(a.entries) filter (where a.event = 'RETRY_SCHEDULED'), 0),
      coalesce(sum(a.entries) filter (where a.event = 'LOST'), 0),
      rowbell.count_buckets(array_agg(a.wait), array_agg(a.entries)), rowbell.count_buckets(array_agg(a.run), array_agg(a.entries))
    from alike a group by 1, 2, 3 order by 1, 2, 3
    on conflict on constraint minutes_pkey do update set
      created = m.created + excluded.created, started = m.started + excluded.started,
      completed = m.completed + excluded.completed, failed = m.failed + excluded.failed,
      cancelled = m.cancelled + excluded.cancelled, retried = m.retried + excluded.retried, lost = m.lost + excluded.lost,
      waits = rowbell.add_counts(m.waits, excluded.waits), runs = rowbell.add_counts(m.runs, excluded.runs)),
  failed as (
    insert into rowbell.error_hours as h (hour, fingerprint, queue, kind, error_type, failures, first_at, last_at, last_task, last_attempt)
    select date_trunc('hour', a.minute), a.fingerprint, a.queue, min(a.kind), coalesce(min(a.error_type), 'ERROR'),
      sum(a.entries), min(a.first_at), max(a.last_at), (max(a.latest))[2], (max(a.latest))[3]
    from alike a where a.event in ('FAILED', 'RETRY_SCHEDULED') and a.fingerprint is not null group by 1, 2, 3 order by 1, 2, 3
    on conflict on constraint error_hours_pkey do update set
      failures = h.failures + excluded.failures, first_at = least(h.first_at, excluded.first_at), last_at = greatest(h.last_at, excluded.last_at),
      last_task = excluded.last_task, last_attempt = excluded.last_attempt),
  moved as (
    insert into rowbell.totals as t (queue, kind, status, tasks)
    select s.queue, s.kind, s.status, sum(s.step) from (
      select a.queue, a.kind, a.status, a.entries as step from alike a
      union all
      select coalesce(a.queue_before, a.queue), coalesce(a.kind_before, a.kind), a.status_before, -a.entries
      from alike a) s
    where s.status is not null group by 1, 2, 3 having sum(s.step) <> 0 order by 1, 2, 3
    on conflict on constraint totals_pkey do update set tasks = t.tasks + excluded.tasks)
  select coalesce(sum(a.entries), 0) into folded from alike a;
  update rowbell.journal_state s set fold_cursor = upto;
  return folded;
end $$;
comment on function rowbell.fold_journal(integer) is
  'For sweeps: counts what is new in the journal into rowbell.minutes, rowbell.error_hours and rowbell.totals. Returns how many events; call again while it is `most` or more.';
