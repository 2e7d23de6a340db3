create or replace function rowbell.health_of_journal(at timestamptz default now())
returns table (severity text, topic text, sentence text, remedy text, remedy_in text, about text, filter jsonb, since timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select 'warning', 'journal.partitions',
    format('The journal has no partition for %s (UTC): its events go to journal_default. Sweeps of workers make them ahead.', string_agg(d.day::text, ' and ')),
    'select rowbell.make_journal_partitions();', 'psql', null::text, null::jsonb, null::timestamptz
  from (select ((at + n * interval '1 day') at time zone 'UTC')::date as day from generate_series(0, 1) n) d
  where to_regclass('rowbell.journal_' || to_char(d.day, 'YYYY_MM_DD')) is null
    and not (d.day = (at at time zone 'UTC')::date and exists (select from rowbell.journal_default))
  having count(*) > 0
  union all
  select 'note', 'journal.default', 'Events of some day lie in journal_default, because no partition was there in time; they are dropped after the retention.', null, null, null, null, null
  where exists (select from rowbell.journal_default)
  union all
  select 'warning', 'journal.behind',
    format('The journal is counted up to %s ago: figures and charts are behind. Sweeps of workers count.', rowbell.ago(b.at)), 'select rowbell.fold_journal();', 'psql', null, null, b.at
  from rowbell.journal_state s
  cross join lateral (select j.at from rowbell.journal j where j.xid >= pg_snapshot_xmax(s.fold_cursor) order by j.xid limit 1) b
  where b.at < health_of_journal.at - interval '2 minutes';
end $$;
comment on function rowbell.health_of_journal(timestamptz) is 'For rowbell.health and rowbell.attention: partitions that are missing, and counts that are behind.';
