create or replace function rowbell.health_of_settings(at timestamptz default now())
returns table (severity text, topic text, sentence text, remedy text, remedy_in text, about text, filter jsonb, since timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  with wanted (name, severity, good, sentence) as (values
    ('fsync', 'problem', 'on', 'fsync is off: a crash of the machine can lose or damage the whole database.'),
    ('full_page_writes', 'problem', 'on', 'full_page_writes is off: a crash of the machine can damage pages.'),
    ('synchronous_commit', 'problem', 'on', 'synchronous_commit is off: a crash forgets commits, and a claim that it forgets hands the same attempt out twice.'),
    ('autovacuum', 'problem', 'on', 'autovacuum is off: dead rows pile up in rowbell.tasks, and claims get slower.'),
    ('track_counts', 'problem', 'on', 'track_counts is off: autovacuum does not know what to vacuum.'),
    ('default_transaction_read_only', 'problem', 'off', 'default_transaction_read_only is on: no task can be inserted or claimed.')),
  s as materialized (select s.name, s.setting, s.source from pg_settings s),
  used as (
    select (select s.setting::integer from s where s.name = 'max_connections') - (select s.setting::integer from s where s.name = 'superuser_reserved_connections') as most,
      (select count(*) from pg_stat_activity a where a.backend_type = 'client backend') as now,
      (select 5 * count(*) from rowbell.workers w where w.stopped_at is null and w.lost_at is null and w.beat_at + w.lease >= now()) as wanted)
  select w.severity, 'setting.' || w.name, w.sentence, rowbell.setting_remedy(w.name, w.good), 'psql', null::text, null::jsonb, null::timestamptz
  from wanted w join s on s.name = w.name
  where case w.name when 'synchronous_commit' then s.setting = 'off' else s.setting <> w.good end
  union all
  select 'problem', 'setting.default_transaction_isolation',
    format('default_transaction_isolation is %s: claims of several workers fail with serialization errors.', s.setting),
    rowbell.setting_remedy(s.name, 'read committed'), 'psql', null, null, null
  from s where s.name = 'default_transaction_isolation' and s.setting <> 'read committed'
  union all
  select 'warning', 'setting.' || s.name,
    format('%s is %s ms for this role: it ends claims, migrations or the listener in the middle. Rowbell has timeouts of its own.', s.name, s.setting),
    case when s.source in ('database', 'user', 'database user') then rowbell.setting_remedy(s.name, '0')
      else format('alter role %I set %I = 0;', session_user, s.name) end, 'psql', null, null, null
  from s where s.name in ('statement_timeout', 'transaction_timeout', 'idle_session_timeout')
    and s.setting::bigint between 1 and 34999 and s.source not in ('session', 'client')
  union all
  select 'note', 'setting.idle_in_transaction_session_timeout',
    'idle_in_transaction_session_timeout is 0: a forgotten transaction holds back vacuum, and its locks, for ever.',
    format('alter database %I set idle_in_transaction_session_timeout = ''10min'';', current_database()), 'psql', null, null, null
  from s where s.name = 'idle_in_transaction_session_timeout' and s.setting = '0'
  union all
  select case when u.most - u.now < 5 then 'problem' else 'warning' end, 'setting.max_connections',
    format('%s of %s connections are taken, and each process of Rowbell needs up to five: raise max_connections (it takes a restart of PostgreSQL).', u.now, u.most),
    format('alter system set max_connections = %s;', (u.most + 3) * 2), 'psql', null, null, null
  from used u where u.most - u.now < 10 or u.most < u.wanted + 10
  union all
  select 'problem', 'connections.limit', format('%s may have %s, and each process of Rowbell needs up to five.', c.what, rowbell.many(c.most, 'connection')),
    c.remedy, 'psql', null, null, null
  from (
    select format('The role %s', r.rolname) as what, r.rolconnlimit as most, format('alter role %I connection limit -1;', r.rolname) as remedy
    from pg_roles r where r.rolname = session_user
    union all
    select format('The database %s', d.datname), d.datconnlimit, format('alter database %I connection limit -1;', d.datname)
    from pg_database d where d.datname = current_database()) c
  cross join used u
  where c.most >= 0 and c.most < greatest(u.wanted, 5);
end $$;
comment on function rowbell.health_of_settings(timestamptz) is
  'For rowbell.health and rowbell.attention: settings of PostgreSQL that put tasks at risk, as they hold for the role that asks.';
