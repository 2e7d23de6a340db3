create or replace function rowbell.attention_database(at timestamptz default now())
returns table (id text, severity text, topic text, sentence text, remedy text, remedy_kind text, view text, filter jsonb, since timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  select format('trigger %s', t.name), 'CRITICAL', 'trigger',
    format('Trigger %s on rowbell.%s is not in force: %s.', t.name, t.on_table,
      case when t.name like 'journal%' then 'what happens is told to nobody' else 'tasks wait for a sweep' end),
    t.remedy, 'SQL', 'BELL', null::jsonb, null::timestamptz
  from rowbell.bell_triggers() t where not t.is_in_force
  union all
  select 'notify_queue', case when u.usage > 0.5 then 'CRITICAL' else 'WARNING' end, 'notify_queue',
    format('The queue of notifications is %s %% full: a session that LISTENs is inside a transaction. Beyond half no bell is rung.', round((u.usage * 100)::numeric, 1)),
    coalesce((select h.remedy from rowbell.snapshot_holders(100) h where h.is_listening limit 1),
      (select h.remedy from rowbell.snapshot_holders(1) h)), 'SQL', 'BELL', null, null
  from (select pg_notification_queue_usage() as usage) u where u.usage > 0.1
  union all
  select format('snapshot %s', coalesce(h.pid::text, h.application)), case when h.since < at - interval '1 hour' then 'CRITICAL' else 'WARNING' end, 'snapshot',
    format('%s (%s%s) holds a snapshot for %s: VACUUM removes nothing that is younger, and claims get slower.',
      coalesce(nullif(h.application, ''), 'A session'), h.state, case when h.pid is not null then format(', pid %s', h.pid) else '' end, rowbell.ago(h.since)),
    h.remedy, 'SQL', 'DATABASE', null, h.since
  from rowbell.snapshot_holders(3) h where h.since < at - interval '10 minutes' and h.behind is not null
  union all
  select 'journal_partition', 'WARNING', 'journal_partition',
    format('The journal has no partition for %s: its entries go to rowbell.journal_default.', string_agg(d.day::text, ' and ')),
    'select rowbell.make_journal_partitions();', 'SQL', 'DATABASE', null, null
  from (select (at at time zone 'UTC')::date + n as day from generate_series(0, 1) n) d
  where to_regclass('rowbell.journal_' || to_char(d.day, 'YYYY_MM_DD')) is null
    and not exists (select from rowbell.journal_default j where j.at >= d.day::timestamp at time zone 'UTC')
  having count(*) > 0
  union all
  select 'connections', 'WARNING', 'connections', format('%s of %s connections are open.', c.used, c.most),
    'select pid, usename, application_name, state from pg_stat_activity order by state_change;', 'SQL', 'DATABASE', null, null
  from (select (select count(*) from pg_stat_activity a where a.backend_type = 'client backend') as used, current_setting('max_connections')::integer as most) c
  where c.used > 0.8 * c.most
  union all
  select format('dead_rows %s', s.relname), 'WARNING', 'dead_rows',
    format('Table rowbell.%s has %s dead rows and %s live ones%s.', s.relname, s.n_dead_tup, s.n_live_tup,
      case when o.option like '%autovacuum_enabled=false%' or o.option like '%autovacuum_enabled=off%' then ': autovacuum is off for it' else '' end),
    case when o.option like '%autovacuum_enabled=false%' or o.option like '%autovacuum_enabled=off%'
      then format('alter table rowbell.%I reset (autovacuum_enabled); vacuum analyze rowbell.%I;', s.relname, s.relname) else format('vacuum analyze rowbell.%I;', s.relname) end,
    'SQL', 'DATABASE', null, s.last_autovacuum
  from pg_stat_user_tables s join pg_class c on c.oid = s.relid
  cross join lateral (select array_to_string(c.reloptions, ' ') as option) o
  where s.schemaname = 'rowbell' and s.n_dead_tup > 50000 and s.n_dead_tup > 0.3 * (s.n_live_tup + s.n_dead_tup)
  union all
  select 'autovacuum', 'CRITICAL', 'autovacuum', 'Autovacuum is off: dead rows pile up, and every claim reads them.',
    'alter system set autovacuum = on; select pg_reload_conf();', 'SQL', 'DATABASE', null, null
  where current_setting('autovacuum') = 'off';
end $$;
comment on function rowbell.attention_database(timestamptz) is
  'For rowbell.attention: what is wrong with triggers, snapshots, partitions, connections and dead rows.';
