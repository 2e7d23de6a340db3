create or replace function rowbell.health_of_tables(at timestamptz default now())
returns table (severity text, topic text, sentence text, remedy text, remedy_in text, about text, filter jsonb, since timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  with tables as materialized (
    select c.oid, c.relname, c.reloptions, s.n_live_tup as live, s.n_dead_tup as dead, greatest(s.last_autovacuum, s.last_vacuum) as vacuumed_at
    from pg_class c join pg_stat_user_tables s on s.relid = c.oid
    where c.relnamespace = 'rowbell'::regnamespace and c.relkind = 'r')
  select 'problem', 'autovacuum.off', format('Autovacuum is off for rowbell.%s: dead rows pile up.', t.relname),
    format('alter table rowbell.%I reset (autovacuum_enabled);', t.relname), 'psql', t.relname::text, null::jsonb, null::timestamptz
  from tables t
  where exists (select from unnest(t.reloptions) o where o ~ '^autovacuum_enabled=(off|false|no|0)')
  union all
  select 'warning', 'autovacuum.behind',
    format('rowbell.%s has %s beside %s, and was vacuumed %s: autovacuum does not keep up, or a transaction holds it back.',
      t.relname, rowbell.many(t.dead, 'dead row'), rowbell.many(t.live, 'live one'), coalesce(rowbell.ago(t.vacuumed_at) || ' ago', 'never')),
    format('vacuum (analyze) rowbell.%I;', t.relname), 'psql', t.relname::text, null, t.vacuumed_at
  from tables t where t.dead > 20000 and t.dead > t.live * 0.4 and (t.vacuumed_at is null or t.vacuumed_at < at - interval '10 minutes')
  union all
  select 'warning', 'index.bloat',
    format('Index rowbell.%s has %s for %s: most of it is empty.', i.relname, pg_size_pretty(pg_relation_size(i.oid)),
      rowbell.many(i.reltuples::bigint, 'entry', 'entries')),
    format('reindex index concurrently rowbell.%I;', i.relname), 'psql', i.relname::text, null, null
  from tables t join pg_index x on x.indrelid = t.oid join pg_class i on i.oid = x.indexrelid
  where x.indisvalid and i.reltuples >= 0 and i.relam = (select a.oid from pg_am a where a.amname = 'btree')
    and pg_relation_size(i.oid) > 32 * 1048576 + i.reltuples * 400
  union all
  select 'problem', 'index.invalid', format('Index rowbell.%s is not valid: making it was interrupted.', i.relname),
    format('reindex index concurrently rowbell.%I;', i.relname), 'psql', i.relname::text, null, null
  from tables t join pg_index x on x.indrelid = t.oid join pg_class i on i.oid = x.indexrelid where not x.indisvalid
  union all
  select 'problem', 'table.wraparound', format('The oldest row of rowbell.%s is %s transactions old; at 2 billion the server stops.', c.relname, age(c.relfrozenxid)),
    format('vacuum (freeze) rowbell.%I;', c.relname), 'psql', c.relname::text, null, null
  from pg_class c where c.relnamespace = 'rowbell'::regnamespace and c.relkind = 'r' and age(c.relfrozenxid) > 1000000000
  union all
  select 'problem', 'table.unlogged', format('rowbell.%s is UNLOGGED: a crash of the server empties it.', c.relname),
    format('alter table rowbell.%I set logged;', c.relname), 'psql', c.relname::text, null, null
  from tables t join pg_class c on c.oid = t.oid where c.relpersistence = 'u' and c.relname <> 'stacks'
  union all
  select 'problem', 'table.hidden', format('Row level security is on for rowbell.%s: roles other than its owner see no row of it, or only those of a policy.', c.relname),
    format('alter table rowbell.%I disable row level security;', c.relname), 'psql', c.relname::text, null, null
  from pg_class c where c.relnamespace = 'rowbell'::regnamespace and c.relkind in ('r', 'p') and c.relrowsecurity
  union all
  select 'problem', 'sequence.behind', format('The next id of rowbell.tasks is %s, and there are rows up to %s: INSERTs fail.', s.next, m.id),
    format('select setval(%L, %s);', 'rowbell.tasks_id_seq', m.id), 'psql', 'tasks_id_seq', null, null
  from (select q.last_value + q.is_called::integer as next from rowbell.tasks_id_seq q) s, (select max(t.id) as id from rowbell.tasks t) m
  where m.id >= s.next
  union all
  select 'problem', 'sequence.end', format('rowbell.%s has %s left: INSERTs fail after that.', s.sequencename, rowbell.many(s.max_value - s.last_value, 'number')),
    format('alter sequence rowbell.%I no maxvalue;', s.sequencename), 'psql', s.sequencename::text, null, null
  from pg_sequences s where s.schemaname = 'rowbell' and s.max_value < 9223372036854775807 and s.last_value > 0.9 * s.max_value
    and s.data_type = 'bigint'::regtype;
end $$;
comment on function rowbell.health_of_tables(timestamptz) is
  'For rowbell.health and rowbell.attention: autovacuum that is off or behind, indexes that are swollen or not valid, rows that are old, ids that end, tables that are unlogged or hidden. Reads statistics and catalogs.';
