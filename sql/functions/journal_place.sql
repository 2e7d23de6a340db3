-- A restore, another database or a failover begins another history, in which numbers of transactions mean
-- something else. So the place names the cluster, its timeline, the database and the table.
create or replace function rowbell.journal_place()
returns text language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select format('%s-%s-%s-%s',
    to_hex((select s.system_identifier from pg_control_system() s)), left(pg_walfile_name(pg_current_wal_lsn()), 8),
    (select d.oid from pg_database d where d.datname = current_database()), 'rowbell.journal'::regclass::oid)
$$;
comment on function rowbell.journal_place() is 'Names the history that cursors of the journal belong to; another one after a restore or a failover.';
