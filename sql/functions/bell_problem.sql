-- `rowbell migrate` re-applies a file only when its text has changed, so for a trigger that was dropped
-- the ledger has to forget the file first.
-- No figures: the service says it again when the text changes.
create or replace function rowbell.bell_problem()
returns text language sql stable as $$
  select nullif(concat_ws('; ', string_agg(
    case when t.tgname is null
           then format('trigger %1$s is missing: delete from rowbell.schema_files where path = %2$L; then run `rowbell migrate`',
                       wanted.name, 'triggers/' || wanted.name || '.sql')
         else format('trigger %1$s is disabled: alter table rowbell.%2$I enable always trigger %1$I',
                     wanted.name, wanted.on_table)
    end, '; ' order by wanted.name),
    case when pg_notification_queue_usage() > 0.5
           then 'the queue of notifications is more than half full, and bells stop before it is full: a session that LISTENs is inside '
                'a transaction; end the oldest: select pid, application_name, query from pg_stat_activity where xact_start is not null order by xact_start'
    end), '')
  from (values ('bell_for_inserts', 'tasks'), ('bell_for_updates', 'tasks'), ('bell_for_queues', 'queues'),
               ('bell_for_limits', 'tasks'), ('bell_for_kinds', 'kinds'), ('bell_for_keys', 'keys'),
               ('bell_for_schedules', 'schedules'), ('bell_for_new_schedules', 'schedules'),
               ('journal_inserts', 'tasks'), ('journal_updates', 'tasks'), ('journal_deletes', 'tasks'),
               ('check_inserts', 'tasks'), ('keep_audiences_of_updates', 'tasks'), ('keep_audiences_of_deletes', 'tasks'),
               ('totals_of_truncates', 'tasks'))
    wanted (name, on_table)
  left join pg_catalog.pg_trigger t
    on t.tgrelid = to_regclass('rowbell.' || wanted.on_table) and t.tgname = wanted.name
  where t.tgenabled is distinct from 'A'
$$;
comment on function rowbell.bell_problem() is
  'Null while the triggers of the bell, of the journal and of what is kept for lists, on rowbell.tasks, queues, kinds, keys and schedules, are present and enabled ALWAYS, and the queue of notifications has room; else what is wrong, with the SQL that mends it.';
