create or replace function rowbell.bell_triggers()
returns table (name text, on_table text, is_in_force boolean, remedy text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select wanted.name, wanted.on_table, t.tgenabled is not distinct from 'A',
    case
      when t.tgname is null
        then format('delete from rowbell.schema_files where path = %L; -- then run: rowbell migrate', 'triggers/' || wanted.name || '.sql')
      when t.tgenabled <> 'A'
        then format('alter table rowbell.%I enable always trigger %I;', wanted.on_table, wanted.name) end
  from (values ('bell_for_inserts', 'tasks'), ('bell_for_updates', 'tasks'), ('bell_for_queues', 'queues'),
               ('bell_for_limits', 'tasks'), ('bell_for_kinds', 'kinds'), ('bell_for_keys', 'keys'),
               ('bell_for_schedules', 'schedules'), ('bell_for_new_schedules', 'schedules'),
               ('journal_inserts', 'tasks'), ('journal_updates', 'tasks'), ('journal_deletes', 'tasks'))
    wanted (name, on_table)
  left join pg_catalog.pg_trigger t
    on t.tgrelid = to_regclass('rowbell.' || wanted.on_table) and t.tgname = wanted.name
  order by 1
$$;
comment on function rowbell.bell_triggers() is
  'The triggers of the bell and of the journal: whether each is present and enabled ALWAYS, and the SQL that mends it.';
