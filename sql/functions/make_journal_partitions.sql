-- Made apart and then attached: CREATE TABLE ... PARTITION OF would lock the journal against every INSERT
-- of a task. A day whose events lie in the default partition already can have none, and needs none.
create or replace function rowbell.make_journal_partitions(days integer default 3, at timestamptz default now())
returns integer language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set lock_timeout = '1s' as $$
declare
  first_day date := (at at time zone 'UTC')::date;
  one       date;
  name      text;
  made      integer := 0;
begin
  for one in select first_day + n from generate_series(0, days) n loop
    name := 'journal_' || to_char(one, 'YYYY_MM_DD');
    continue when exists (select from pg_class c where c.relnamespace = 'rowbell'::regnamespace and c.relname = name);
    begin
      execute format('create table rowbell.%I (like rowbell.journal including comments)', name);
      execute format('create index %I on rowbell.%I (xid)', name || '_xid', name);
      execute format('create index %I on rowbell.%I using brin (task_id int8_bloom_ops (n_distinct_per_range = 2000, false_positive_rate = 0.005)) with (pages_per_range = 32)',
        name || '_task', name);
      -- Of an empty table, too, the first range gets a filter: the first entries of a day would pay for it, each.
      perform brin_desummarize_range(format('rowbell.%I', name || '_task')::regclass, 0);
      execute format('comment on index rowbell.%I is %L', name || '_task', 'The entries of one task.');
      execute format('comment on table rowbell.%I is %L', name, format('Events of %s (UTC).', one));
      execute format('comment on index rowbell.%I is %L', name || '_xid', 'What readers have not seen yet.');
      execute format('alter table rowbell.journal attach partition rowbell.%I for values from (%L) to (%L)',
        name, one::timestamp at time zone 'UTC', (one + 1)::timestamp at time zone 'UTC');
      made := made + 1;
    exception when lock_not_available or check_violation or duplicate_table or deadlock_detected then
      null;  -- the next sweep tries again; until then there is the default partition
    end;
  end loop;
  return made;
end $$;
comment on function rowbell.make_journal_partitions(integer, timestamptz) is
  'For sweeps: makes the partitions of rowbell.journal for today and the next days. Returns how many were missing.';
do $$ begin perform rowbell.make_journal_partitions(); end $$;
