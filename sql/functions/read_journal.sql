-- The exact answer to "what is new": the rows that the snapshot `since` could not see. A number would not
-- do: transactions commit in another order than they take their numbers. Both parts are probes of the
-- index on xid, however long some transaction runs.
-- A page that is cut goes on with the same `since`, `upto` = the snapshot of its first part, and `above` =
-- its last id: what commits in between belongs to the next difference. `of_tasks`, `of_queues` and `of_kinds` leave
-- out what nobody wants before it is sent: of thousands of entries a second a page may show none.
create or replace function rowbell.read_journal(
  since pg_snapshot, upto pg_snapshot default null, above bigint default 0, most integer default 1000, place text default null,
  of_tasks bigint[] default null, of_queues text[] default null, of_kinds text[] default null)
returns table (
  snapshot pg_snapshot, id bigint, at timestamptz, task_id bigint, worker bigint, event rowbell.task_event,
  status_before rowbell.task_status, status rowbell.task_status, attempt integer, wait_seconds real, run_seconds real,
  kind text, queue text, role text, application text, subject text, created_by text, audience text[], detail jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  if place <> rowbell.journal_place()
     or pg_snapshot_xmax(since) > pg_snapshot_xmax(pg_current_snapshot())
     or pg_snapshot_xmin(since) <= (select s.dropped_xid from rowbell.journal_state s) then
    raise exception using errcode = 'RB411', message = 'the journal does not reach back to this cursor',
      hint = 'Read the list again, and go on from there.';
  end if;
  return query
  select n.snapshot, e.id, e.at, e.task_id, e.worker, e.event, e.status_before, e.status, e.attempt, e.wait_seconds,
    e.run_seconds, e.kind, e.queue, e.role, e.application, e.subject, e.created_by, e.audience, e.detail
  from (select coalesce(read_journal.upto, pg_current_snapshot()) as snapshot) n
  left join lateral (
    select u.* from (
      select j.* from rowbell.journal j
      where j.xid >= pg_snapshot_xmax(since) and j.xid < pg_snapshot_xmax(n.snapshot)
      union all
      select k.* from rowbell.journal k where k.xid = any (array(select pg_snapshot_xip(since)))) u
    where u.id > above and (read_journal.upto is null or pg_visible_in_snapshot(u.xid, read_journal.upto))
      and (num_nonnulls(of_tasks, of_queues, of_kinds) = 0
        or u.task_id = any (of_tasks) or u.queue = any (of_queues) or u.kind = any (of_kinds))
    order by u.id limit most) e on true
  order by e.id;
  perform rowbell.flush_finished();
end $$;
comment on function rowbell.read_journal(pg_snapshot, pg_snapshot, bigint, integer, text, bigint[], text[], text[]) is
  'What pg_snapshot `since` could not see, at most so many rows by id, each with the snapshot to read from next; one empty row if nothing is new; given tasks, queues or kinds, of any of these alone. Fewer rows than `most`: that was all. RB411: the journal does not reach back so far.';
