create or replace function rowbell.health_of_journal()
returns table (severity text, topic text, sentence text, remedy text, remedy_in text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select 'warning', 'journal.partitions',
    format('The journal has no partition for %s (UTC): its events go to journal_default. Sweeps of workers make them ahead.', d.day),
    'select rowbell.make_journal_partitions();', 'psql'
  from (select ((now() + n * interval '1 day') at time zone 'UTC')::date as day from generate_series(0, 1) n) d
  where to_regclass('rowbell.journal_' || to_char(d.day, 'YYYY_MM_DD')) is null
    and not (d.day = (now() at time zone 'UTC')::date and exists (select from rowbell.journal_default))
  union all
  select 'note', 'journal.default', 'Events of some day lie in journal_default, because no partition was there in time; they are dropped after the retention.', null, null
  where exists (select from rowbell.journal_default)
  union all
  select 'warning', 'journal.behind',
    format('The journal is counted up to %s ago: figures and charts are behind. Sweeps of workers count.', rowbell.ago(b.at)), 'select rowbell.fold_journal();', 'psql'
  from rowbell.journal_state s
  cross join lateral (select j.at from rowbell.journal j where j.xid >= pg_snapshot_xmax(s.fold_cursor) order by j.xid limit 1) b
  where b.at < now() - interval '2 minutes';
end $$;
comment on function rowbell.health_of_journal() is 'For rowbell.health: partitions that are missing, and counts that are behind.';
