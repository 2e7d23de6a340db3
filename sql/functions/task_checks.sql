create or replace function rowbell.task_checks(
  wanted rowbell.task_filter, way text, subject text, audiences text[], sees_everything boolean)
returns text language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if num_nonnulls(wanted.ids, wanted.error_types, wanted.text) = 0
     and (num_nonnulls(wanted.kinds, wanted.queues) = 0 or way = 'groups')
     and (wanted.statuses is null or way in ('groups', 'authors'))
     and (num_nonnulls(wanted.created_after, wanted.created_before) = 0 or way in ('groups', 'authors', 'viewer'))
     and (num_nonnulls(wanted.finished_after, wanted.finished_before) = 0 or way = 'finished')
     and (wanted.created_by is null or way = 'authors')
     and (sees_everything or way = 'viewer') then
    return '';
  end if;
  return concat_ws(' and ',
    't.id = any (' || quote_literal(wanted.ids::text) || '::bigint[])',
    't.kind = any (' || quote_literal(wanted.kinds::text) || '::text[])',
    't.queue = any (' || quote_literal(wanted.queues::text) || '::text[])',
    't.status = any (' || quote_literal(wanted.statuses::text) || '::rowbell.task_status[])',
    't.created_by = any (' || quote_literal(wanted.created_by::text) || '::text[])',
    't.error ->> ''type'' = any (' || quote_literal(wanted.error_types::text) || '::text[])',
    't.created_at >= ' || quote_literal(wanted.created_after::text),
    't.created_at < ' || quote_literal(wanted.created_before::text),
    't.finished_at >= ' || quote_literal(wanted.finished_after::text),
    't.finished_at < ' || quote_literal(wanted.finished_before::text),
    case when not sees_everything then
      format('rowbell.is_for(t.created_by, t.audience, %L, %L::text[])', subject, audiences) end,
    case when wanted.text is not null then
      format('(strpos(lower(t.description), %1$L) > 0 or strpos(lower(t.payload::text), %1$L) > 0)', lower(wanted.text)) end);
end $$;
comment on function rowbell.task_checks(rowbell.task_filter, text, text, text[], boolean) is
  'For rowbell.find_tasks: the SQL that looks at one row, named t, whether it meets the whole filter and may be seen; empty if the way by which it was found says so.';
