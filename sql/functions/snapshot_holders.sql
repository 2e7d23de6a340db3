-- Security definer: the service's role may not see the sessions of others. Their statements are cut, and
-- may hold a name or a number at most.
create or replace function rowbell.snapshot_holders(most integer default 10)
returns table (
  pid integer, application text, role text, state text, since timestamptz, behind bigint, query text, remedy text, is_listening boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from (
    select a.pid, a.application_name, a.usename::text, a.state, coalesce(a.xact_start, a.query_start),
      greatest(age(a.backend_xmin), age(a.backend_xid))::bigint, left(a.query, 100), format('select pg_terminate_backend(%s);', a.pid),
      a.query ilike 'listen %'
    from pg_stat_activity a
    where a.pid <> pg_backend_pid() and a.backend_type = 'client backend' and a.xact_start is not null
      and (a.datname = current_database() or a.backend_xmin is not null)
    union all
    select null, p.gid, p.owner::text, 'prepared transaction', p.prepared, age(p.transaction)::bigint, null,
      format('rollback prepared %L;', p.gid), false
    from pg_prepared_xacts p where p.database = current_database()
    union all
    select s.active_pid, s.slot_name::text, null, 'replication slot', null,
      greatest(age(s.xmin), age(s.catalog_xmin))::bigint, null, format('select pg_drop_replication_slot(%L);', s.slot_name), false
    from pg_replication_slots s where coalesce(s.xmin, s.catalog_xmin) is not null) h
  order by 5 nulls last limit most
$$;
comment on function rowbell.snapshot_holders(integer) is
  'Who keeps VACUUM from removing dead rows, and the queue of notifications from being emptied: sessions in transactions, prepared transactions, replication slots; the oldest first, each with the SQL that ends it.';
