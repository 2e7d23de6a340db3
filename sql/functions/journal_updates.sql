-- What a statement made of each row is told by its two versions alone, so an UPDATE typed into psql is told
-- like one of the service. Nothing here may raise: seconds are floats, for the difference of two infinite
-- instants would. The plans are made once, perhaps for one row, and a nested loop over thousands would never end:
-- a full join cannot be one, whatever the settings of who runs it. `is not distinct` leaves it a full one.
-- What a claim or a batch of outcomes says that it does comes first: somebody waits for it. That both versions of all
-- its rows have the status that belongs to it is looked at, so nobody is believed, and the two need no join.
-- Then rows that got another status, in few expressions. The rest is looked at where a statement left the status of
-- some row as it was.
create or replace function rowbell.journal_updates()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  role_name   text := session_user;
  application text := current_setting('application_name');
  subject     text := nullif(current_setting('rowbell.subject', true), '');
  written_at  timestamptz := clock_timestamp();
  expected    text := current_setting('rowbell.event', true);  -- what happens to every row, says rowbell.claim or rowbell.complete
  found_by    text := current_setting('rowbell.found_by', true);  -- set by a claim that a sweep has caused
  moved       bigint;
begin
  if expected = 'STARTED' and coalesce(found_by, '') = '' then
    insert into rowbell.journal (at, task_id, worker, event, status_before, status, attempt, wait_seconds,
      kind, queue, role, application, subject, created_by, audience)
    select written_at, n.id, n.worker, 'STARTED', 'PENDING', 'PROCESSING', n.attempt,
      greatest(0, date_part('epoch', n.started_at) - date_part('epoch', n.run_at)),
      n.kind, n.queue, role_name, application, subject, n.created_by, nullif(n.audience, '{}')
    from after n
    where not exists (select from before b where b.status <> 'PENDING')
      and not exists (select from after a where a.status <> 'PROCESSING');
    if found then
      perform rowbell.tell_watchers();
      return null;
    end if;
  elsif expected = 'COMPLETED' then
    insert into rowbell.journal (at, task_id, worker, event, status_before, status, attempt, run_seconds,
      kind, queue, role, application, subject, created_by, audience)
    select written_at, n.id, n.worker, 'COMPLETED', 'PROCESSING', 'COMPLETED', n.attempt,
      greatest(0, date_part('epoch', coalesce(n.finished_at, written_at)) - date_part('epoch', n.started_at)),
      n.kind, n.queue, role_name, application, subject, n.created_by, nullif(n.audience, '{}')
    from after n
    where not exists (select from before b where b.status <> 'PROCESSING')
      and not exists (select from after a where a.status <> 'COMPLETED');
    if found then
      perform rowbell.tell_watchers();
      return null;
    end if;
  end if;

  insert into rowbell.journal (at, task_id, worker, event, status_before, status, attempt, wait_seconds, run_seconds,
    kind, queue, role, application, subject, created_by, audience, detail)
  select written_at, c.id, c.worker, c.event, c.status_before, c.status, c.attempt,
    case when c.event = 'STARTED' then greatest(0, date_part('epoch', c.started_at) - date_part('epoch', c.run_at)) end,
    case when c.status_before = 'PROCESSING'
      then greatest(0, date_part('epoch', coalesce(c.finished_at, written_at)) - date_part('epoch', c.began_at)) end,
    c.kind, c.queue, role_name, application, subject, c.created_by, nullif(c.audience, '{}'),
    case when c.kind_before <> c.kind or c.queue_before <> c.queue or c.event in ('RETRY_SCHEDULED', 'FAILED')
           or (c.event = 'STARTED' and found_by <> '')
      then rowbell.journal_detail(c.event, c.kind_before, c.kind, c.queue_before, c.queue, c.error, c.run_at, found_by) end
  from (
    select n.id, n.worker, n.status, n.attempt, n.started_at, n.finished_at, n.run_at, n.kind, n.queue, n.created_by,
      n.audience, n.error, o.status as status_before, o.started_at as began_at, o.kind as kind_before,
      o.queue as queue_before,
      case
        when n.status = 'PROCESSING' then 'STARTED'
        when n.status <> 'PENDING' then n.status::text
        when o.status <> 'PROCESSING' then 'REOPENED'
        when n.failures > o.failures then 'RETRY_SCHEDULED'
        when n.crashes > o.crashes then 'LOST'
        else 'RELEASED' end::rowbell.task_event as event
    from before o full join after n on n.id = o.id
    where n.id is not distinct from o.id and n.status is distinct from o.status) c;
  get diagnostics moved = row_count;
  perform rowbell.tell_watchers();
  if moved = (select count(*) from after) then
    return null;
  end if;

  insert into rowbell.journal (at, task_id, worker, event, status_before, status, attempt,
    kind, queue, role, application, subject, created_by, audience, detail)
  select written_at, c.id, c.worker, c.event, c.status, c.status, c.attempt,
    c.kind, c.queue, role_name, application, subject, c.created_by, nullif(c.audience, '{}'),
    case when c.event = 'UPDATED' then jsonb_strip_nulls(jsonb_build_object('changed', nullif(c.changed, '{}'),
        'progress', case when c.progress is distinct from c.progress_before then round(c.progress::numeric, 6) end,
        'kind_before', nullif(c.kind_before, c.kind), 'queue_before', nullif(c.queue_before, c.queue)))
      when c.kind_before <> c.kind or c.queue_before <> c.queue
      then rowbell.journal_detail(c.event, c.kind_before, c.kind, c.queue_before, c.queue, null, null, null) end
  from (
    select n.id, n.worker, n.status, n.attempt, n.kind, n.queue, n.created_by, n.audience, n.progress,
      o.kind as kind_before, o.queue as queue_before, o.progress as progress_before, d.changed,
      case when o.cancel_requested_at is null and n.cancel_requested_at is not null then 'CANCEL_REQUESTED'
        when d.changed <> '{}' or o.progress is distinct from n.progress then 'UPDATED' end::rowbell.task_event as event
    from before o full join after n on n.id = o.id
    cross join lateral (select array_remove(array[
      case when n.kind <> o.kind then 'kind' end,
      case when n.queue <> o.queue then 'queue' end,
      case when n.priority <> o.priority then 'priority' end,
      case when n.run_at <> o.run_at then 'run_at' end,
      case when n.attempt <> o.attempt then 'attempt' end,
      case when n.max_attempts is distinct from o.max_attempts then 'max_attempts' end,
      case when n.unique_key is distinct from o.unique_key then 'unique_key' end,
      case when n.concurrency_key is distinct from o.concurrency_key then 'concurrency_key' end,
      case when n.description is distinct from o.description then 'description' end,
      case when n.audience <> o.audience then 'audience' end,
      case when n.created_by <> o.created_by then 'created_by' end,
      case when n.payload <> o.payload then 'payload' end,
      case when n.result is distinct from o.result then 'result' end,
      case when n.error is distinct from o.error then 'error' end], null) as changed) d
    where n.id is not distinct from o.id and n.status is not distinct from o.status) c
  where c.event is not null;
  return null;
end $$;
comment on function rowbell.journal_updates() is 'Trigger function: writes what an UPDATE made of tasks into rowbell.journal; nothing where nothing changed that anybody sees.';
