-- The SQL of each way to candidates as text: $1 is how many at the most, ($2, $3) the place (at, id) that they lie behind.
-- A text, because each list needs a plan of its own: a statement that has every way in it has a plan for none.
-- `page`: newest first, a few. `stream`: newest first, read row by row for as long as somebody reads on, so each part
-- is named in the text, and PostgreSQL merges them as it goes. `any`: in no order, to be counted.
create or replace function rowbell.task_source(
  way text, mode text, wanted rowbell.task_filter, subject text, audiences text[])
returns text language plpgsql stable set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  -- Literals: the planner must see what an index can do.
  range   text := concat(' and t.created_at >= ' || quote_literal(wanted.created_after::text),
                         ' and t.created_at < ' || quote_literal(wanted.created_before::text));
  behind  text := ' and (t.created_at, t.id) < ($2, $3)';
  newest  text := ' order by t.created_at desc, t.id desc';
  merged  text := case when mode = 'any' then ' limit $1' else ' order by 1 desc, 2 desc limit $1' end;
  states  rowbell.task_status[] := coalesce(wanted.statuses, enum_range(null::rowbell.task_status));
  people  text[] := case when way = 'viewer' then array[subject] else wanted.created_by end;
  parts   text[];
  running text;
begin
  if way = 'all' then
    return 'select t.created_at, t.id from rowbell.tasks t where t.id < $3 order by t.id desc limit $1';
  elsif way = 'ids' then
    return 'select t.created_at, t.id from rowbell.tasks t where t.id = any (' || quote_literal(wanted.ids::text) || '::bigint[])'
      || behind || newest || ' limit $1';
  elsif way = 'finished' then
    return 'select t.finished_at, t.id from rowbell.tasks t where t.finished_at is not null'
      || concat(' and t.finished_at >= ' || quote_literal(wanted.finished_after::text),
                ' and t.finished_at < ' || quote_literal(wanted.finished_before::text))
      || ' and t.finished_at <= $2 and (t.finished_at, t.id) < ($2, $3) order by t.finished_at desc, t.id desc limit $1';
  end if;

  running := case when 'PROCESSING' = any (states) then
    'select t.created_at, t.id from rowbell.tasks t where t.status = ''PROCESSING''' || range || behind end;
  states := array_remove(states, 'PROCESSING');
  if way = 'groups' then
    running := running || concat(' and t.kind = any (' || quote_literal(wanted.kinds::text) || '::text[])',
                                 ' and t.queue = any (' || quote_literal(wanted.queues::text) || '::text[])');
    if mode = 'stream' then
      select array_agg(format('(select t.created_at, t.id from rowbell.tasks t where t.kind = %L and t.queue = %L and t.status = %L'
               ' and t.status <> ''PROCESSING''', g.kind, g.queue, s.status) || range || behind || newest || ')')
      into parts from rowbell.task_groups(wanted.kinds, wanted.queues) g cross join unnest(states) s (status)
      cross join lateral (
        select from rowbell.tasks t
        where t.kind = g.kind and t.queue = g.queue and t.status = s.status and t.status <> 'PROCESSING' limit 1) h;
    else
      -- Twenty rows come from no more than the twenty groups whose newest rows are the newest.
      parts := array[format('select n.created_at, n.id from (select g.kind, g.queue, s.status from rowbell.task_groups(%L::text[], %L::text[]) g'
          ' cross join unnest(%L::rowbell.task_status[]) s (status) %s) g cross join lateral (select t.created_at, t.id from rowbell.tasks t'
          ' where t.kind = g.kind and t.queue = g.queue and t.status = g.status and t.status <> ''PROCESSING''%s%s) n',
        wanted.kinds, wanted.queues, states,
        case when mode = 'page' then 'cross join lateral (select t.created_at, t.id from rowbell.tasks t where t.kind = g.kind and t.queue = g.queue'
          ' and t.status = s.status and t.status <> ''PROCESSING''' || range || behind || newest || ' limit 1) h'
          ' order by h.created_at desc, h.id desc limit $1' else '' end,
        range || behind, case when mode = 'page' then newest else '' end || ' limit $1')];
    end if;
  else
    -- What an author has inserted; a viewer is one, and sees besides what its audiences share.
    running := running || ' and t.created_by = any (' || quote_literal(people::text) || '::text[])';
    select array_agg(format('(select t.created_at, t.id from rowbell.tasks t where t.created_by = %L and t.status = %L'
             ' and t.status <> ''PROCESSING''', p.name, p.status) || range || behind || newest || ')')
    into parts from (select distinct a.name, s.status from unnest(people) a (name) cross join unnest(states) s (status)) p
    cross join lateral (
      select from rowbell.tasks t
      where t.created_by = p.name and t.status = p.status and t.status <> 'PROCESSING' limit 1) h;
    if way = 'viewer' then
      select parts || array_agg(format('(select t.created_at, t.task_id from rowbell.audiences t where t.audience = %L', a.name)
               || replace(range || behind || newest, 't.id', 't.task_id') || ')')
      into parts from (select distinct unnest(audiences) as name) a;
    end if;
  end if;
  -- Of one part alone the order would be said twice, which is no SQL.
  parts := parts || coalesce(running, 'select null::timestamptz, null::bigint where false');
  return array_to_string(parts, ' union all ') || merged;
end $$;
comment on function rowbell.task_source(text, text, rowbell.task_filter, text, text[]) is
  'For rowbell.find_tasks: the SQL of one way to candidates: all, ids, finished, groups (of kind, queue and status), authors, or viewer (what a subject and its audiences may see).';
