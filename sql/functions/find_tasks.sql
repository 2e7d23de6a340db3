-- One page of a list. What an index can order is read from it, twenty rows for twenty tasks. Conditions that no
-- index knows are looked at row by row, until the page is full, 10,000 rows were looked at, or a second has passed:
-- then `searched_all` is false, and the next call goes on from the place that was reached.
create or replace function rowbell.find_tasks(
  wanted rowbell.task_filter, after_at timestamptz default null, after_id bigint default null,
  most integer default 20, ordered boolean default true,
  subject text default null, audiences text[] default null, sees_everything boolean default true)
returns table (task_ids bigint[], has_more boolean, searched_all boolean, reached_at timestamptz, reached_id bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  look        constant integer     := 10000;
  until       constant timestamptz := clock_timestamp() + interval '1 second';
  by_finished boolean := num_nonnulls(wanted.finished_after, wanted.finished_before) > 0;
  way         text    := rowbell.way_to_tasks(wanted, subject, audiences, sees_everything);
  checks      text    := rowbell.task_checks(wanted, way, subject, audiences, sees_everything);
  mode        text    := case when checks <> '' or way = 'viewer' then 'stream' when ordered then 'page' else 'any' end;
  source      text    := rowbell.task_source(way, mode, wanted, subject, audiences);
  looked      integer := 0;
  one         record;
begin
  if by_finished and way <> 'finished' then  -- few enough to sort all of them by another time
    source := format('select h.finished_at, h.id from (%s) c (at, id) cross join lateral ('
      'select t.finished_at, t.id from rowbell.tasks t where t.id = c.id limit 1) h'
      ' where (h.finished_at, h.id) < ($2, $3) order by 1 desc, 2 desc limit $1',
      replace(replace(replace(source, '$1', '20000'), '$2', '''infinity'''), '$3', '9223372036854775807'));
  end if;
  source := 'select c.at, c.id, ' || case when checks = '' then format('true as is_match from (%s) c (at, id)', source)
    else format('m.is_match from (%s) c (at, id) cross join lateral ('
      'select (%s) as is_match from rowbell.tasks t where t.id = c.id limit 1) m', source, checks) end;
  task_ids := '{}';
  has_more := false;
  searched_all := true;
  for one in execute source using
      case when mode = 'stream' then (greatest(most, look) + 1) * (1 + coalesce(cardinality(audiences), 0)) else most + 1 end,
      coalesce(after_at, 'infinity'), coalesce(after_id, 9223372036854775807) loop
    continue when one.id = reached_id;  -- a viewer's own, and shared with it
    if looked >= greatest(most, look) or clock_timestamp() > until then
      searched_all := false;
      exit;
    elsif one.is_match and cardinality(task_ids) = most then
      has_more := true;
      exit;
    elsif one.is_match then
      task_ids := task_ids || one.id;
    end if;
    looked := looked + 1;
    reached_at := one.at;
    reached_id := one.id;
  end loop;
  return next;
end $$;
comment on function rowbell.find_tasks(rowbell.task_filter, timestamptz, bigint, integer, boolean, text, text[], boolean) is
  'Ids of one page of the tasks that match, newest first: by (created_at, id); by id alone if nothing is asked for; by (finished_at, id) if the filter asks for a time of finishing. searched_all false: the rest was not looked at; go on from reached_at, reached_id. Not ordered: any so many, to count them.';
