-- What was seen is kept in a setting of the session: place, cursor, and for a page that was cut its end.
create or replace function rowbell.tail(task_id bigint default null, most integer default 1000)
returns table (at timestamptz, task bigint, kind text, queue text, event rowbell.task_event, attempt integer, seconds real, who text, detail jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set jit = off
as $$
#variable_conflict use_column
declare
  seen   text[] := string_to_array(nullif(current_setting('rowbell.tail', true), ''), '|');
  upto   pg_snapshot;
  entry  record;
  rows   integer := 0;
  above  bigint := 0;
begin
  if seen is null or seen[1] <> rowbell.journal_place() then
    upto := (rowbell.journal_now()).snapshot;
    perform set_config('rowbell.tail', concat_ws('|', rowbell.journal_place(), upto, '', '0'), false);
    return query
    select l.at, l.task_id, l.kind, l.queue, l.event, l.attempt, coalesce(l.wait_seconds, l.run_seconds), coalesce(l.subject, nullif(l.application, ''), l.role), l.detail
    from (select j.* from rowbell.journal j order by j.xid desc, j.id desc limit least(20, most)) l
    where tail.task_id is null or l.task_id = tail.task_id order by l.id;
    return;
  end if;
  for entry in
    select * from rowbell.read_journal(seen[2]::pg_snapshot, nullif(seen[3], '')::pg_snapshot, seen[4]::bigint, most, seen[1])
  loop
    upto := entry.snapshot;
    continue when entry.id is null;
    rows := rows + 1;
    above := entry.id;
    continue when tail.task_id is not null and entry.task_id <> tail.task_id;
    at := entry.at; task := entry.task_id; kind := entry.kind; queue := entry.queue; event := entry.event; attempt := entry.attempt;
    seconds := coalesce(entry.wait_seconds, entry.run_seconds); who := coalesce(entry.subject, nullif(entry.application, ''), entry.role);
    detail := entry.detail;
    return next;
  end loop;
  perform set_config('rowbell.tail',
    case when rows < most then concat_ws('|', seen[1], upto, '', '0') else concat_ws('|', seen[1], seen[2], upto, above) end, false);
end $$;
comment on function rowbell.tail(bigint, integer) is
  'The entries of the journal since this session asked last, all or of one task, most of them at the most; at first the last 20. For psql: select * from rowbell.tail() \watch 1. The cursor is the setting rowbell.tail: reset rowbell.tail begins anew.';
