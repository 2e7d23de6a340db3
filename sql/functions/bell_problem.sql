-- `rowbell migrate` re-applies a file only when its text has changed, so for a trigger that was dropped
-- the ledger has to forget the file first.
create or replace function rowbell.bell_problem()
returns text language sql stable as $$
  select string_agg(
    case when t.tgname is null
           then format('trigger %1$s is missing: delete from rowbell.schema_files where path = %2$L; then run `rowbell migrate`',
                       wanted.name, 'triggers/' || wanted.name || '.sql')
         else format('trigger %1$s is disabled: alter table rowbell.%2$I enable always trigger %1$I',
                     wanted.name, wanted.on_table)
    end, '; ' order by wanted.name)
  from (values ('bell_for_inserts', 'tasks'), ('bell_for_updates', 'tasks'), ('bell_for_queues', 'queues'),
               ('bell_for_limits', 'tasks'), ('bell_for_kinds', 'kinds'), ('bell_for_keys', 'keys'))
    wanted (name, on_table)
  left join pg_catalog.pg_trigger t
    on t.tgrelid = to_regclass('rowbell.' || wanted.on_table) and t.tgname = wanted.name
  where t.tgenabled is distinct from 'A'
$$;
comment on function rowbell.bell_problem() is
  'Null while the bell triggers of rowbell.tasks, queues, kinds and keys are present and enabled ALWAYS; else what is wrong, with the SQL that mends it.';
