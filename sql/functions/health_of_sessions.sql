-- `rowbell.long_transaction` may be set on the database or the role; five minutes unless it is.
create or replace function rowbell.health_of_sessions(at timestamptz default now())
returns table (severity text, topic text, sentence text, remedy text, remedy_in text, about text, filter jsonb, since timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  with settings as materialized (
    select coalesce(nullif(current_setting('rowbell.long_transaction', true), '')::interval, '5 minutes') as long, pg_notification_queue_usage() as notify_queue)
  select case when a.xact_start < at - greatest(s.long * 12, interval '1 hour') then 'problem' else 'warning' end, 'session.snapshot',
    format('Session %s (%s, user %s, %s) holds its transaction open for %s: vacuum can remove nothing that died since, and claims step over ever more dead rows.',
      a.pid, coalesce(nullif(a.application_name, ''), 'no application_name'), a.usename, coalesce(a.state, 'state unknown'), rowbell.ago(a.xact_start)),
    format('select pg_terminate_backend(%s);', a.pid), 'psql', a.pid::text, null::jsonb, a.xact_start
  from pg_stat_activity a, settings s
  where a.datname = current_database() and a.backend_type = 'client backend' and a.pid <> pg_backend_pid() and a.xact_start < at - s.long
  union all
  select 'problem', 'session.prepared',
    format('The prepared transaction %s of %s is open for %s: it holds its locks and its snapshot until it is ended.', p.gid, p.owner, rowbell.ago(p.prepared)),
    format('rollback prepared %L;', p.gid), 'psql', p.gid, null, p.prepared
  from pg_prepared_xacts p, settings s where p.database = current_database() and p.prepared < at - s.long
  union all
  select 'warning', 'replication.slot',
    format('Replication slot %s is not in use, and holds back %s: drop it if its replica is gone.', r.slot_name,
      case when r.xmin is not null or r.catalog_xmin is not null then 'vacuum' else 'the removal of WAL' end),
    format('select pg_drop_replication_slot(%L);', r.slot_name), 'psql', r.slot_name::text, null, null
  from pg_replication_slots r
  where not r.active and (r.xmin is not null or r.catalog_xmin is not null
    or (not pg_is_in_recovery() and pg_wal_lsn_diff(pg_current_wal_lsn(), r.restart_lsn) > 1e9))
  union all
  select case when s.notify_queue > 0.5 then 'problem' else 'warning' end, 'notify.queue',
    format('The queue of notifications is %s %% full: a session that LISTENs is inside a transaction. At 90 %% the bell stops, at 100 %% every COMMIT that notifies fails.',
      round((s.notify_queue * 100)::numeric)),
    coalesce((select format('select pg_terminate_backend(%s);', a.pid) from pg_stat_activity a
              where a.xact_start is not null and a.pid <> pg_backend_pid() and a.backend_type = 'client backend' order by a.xact_start limit 1),
             'select pid, datname, application_name, xact_start, query from pg_stat_activity where xact_start is not null order by xact_start;'), 'psql', null, null, null
  from settings s where s.notify_queue > 0.1
  union all
  select 'note', 'session.unseen',
    format('The role %s, which owns the schema, may not see the sessions of others: who holds a transaction open stays unknown.', current_user),
    format('grant pg_read_all_stats to %I;', current_user), 'psql', null, null, null
  where not pg_has_role(current_user, 'pg_read_all_stats', 'usage');
end $$;
comment on function rowbell.health_of_sessions(timestamptz) is
  'For rowbell.health and rowbell.attention: transactions, prepared transactions and replication slots that hold back vacuum for longer than the setting rowbell.long_transaction (5 minutes), and the queue of notifications.';
