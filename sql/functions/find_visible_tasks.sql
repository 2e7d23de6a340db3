create or replace function rowbell.find_visible_tasks(
  wanted rowbell.task_filter, after_at timestamptz default null, after_id bigint default null,
  most integer default 20, ordered boolean default true)
returns table (task_ids bigint[], has_more boolean, searched_all boolean, reached_at timestamptz, reached_id bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select f.task_ids, f.has_more, f.searched_all, f.reached_at, f.reached_id
  from rowbell.find_tasks(wanted, after_at, after_id, most, ordered,
    coalesce(current_setting('rowbell.subject', true), ''),
    coalesce(nullif(current_setting('rowbell.audiences', true), '')::text[], '{}'), false) f
$$;
comment on function rowbell.find_visible_tasks(rowbell.task_filter, timestamptz, bigint, integer, boolean) is
  'rowbell.find_tasks for a caller of the API who is no operator, named by the settings rowbell.subject and rowbell.audiences of the transaction.';
