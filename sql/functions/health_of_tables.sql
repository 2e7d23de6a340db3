create or replace function rowbell.health_of_tables()
returns table (severity text, topic text, sentence text, remedy text, remedy_in text)
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
    format('alter table rowbell.%I reset (autovacuum_enabled);', t.relname), 'psql'
  from tables t
  where exists (select from unnest(t.reloptions) o where o ~ '^autovacuum_enabled=(off|false|no|0)')
  union all
  select 'warning', 'autovacuum.behind',
    format('rowbell.%s has %s dead rows beside %s live ones, and was vacuumed %s: autovacuum does not keep up, or a transaction holds it back.',
      t.relname, t.dead, t.live, coalesce(rowbell.ago(t.vacuumed_at) || ' ago', 'never')),
    format('vacuum (analyze) rowbell.%I;', t.relname), 'psql'
  from tables t where t.dead > 20000 and t.dead > t.live * 0.4 and (t.vacuumed_at is null or t.vacuumed_at < now() - interval '10 minutes')
  union all
  select 'warning', 'index.bloat',
    format('Index rowbell.%s has %s for %s entries: most of it is empty.', i.relname, pg_size_pretty(pg_relation_size(i.oid)), i.reltuples::bigint),
    format('reindex index concurrently rowbell.%I;', i.relname), 'psql'
  from tables t join pg_index x on x.indrelid = t.oid join pg_class i on i.oid = x.indexrelid
  where x.indisvalid and i.reltuples >= 0 and i.relam = (select a.oid from pg_am a where a.amname = 'btree')
    and pg_relation_size(i.oid) > 32 * 1048576 + i.reltuples * 400
  union all
  select 'problem', 'index.invalid', format('Index rowbell.%s is not valid: making it was interrupted.', i.relname),
    format('reindex index concurrently rowbell.%I;', i.relname), 'psql'
  from tables t join pg_index x on x.indrelid = t.oid join pg_class i on i.oid = x.indexrelid where not x.indisvalid
  union all
  select 'problem', 'table.wraparound', format('The oldest row of rowbell.%s is %s transactions old; at 2 billion the server stops.', c.relname, age(c.relfrozenxid)),
    format('vacuum (freeze) rowbell.%I;', c.relname), 'psql'
  from pg_class c where c.relnamespace = 'rowbell'::regnamespace and c.relkind = 'r' and age(c.relfrozenxid) > 1000000000;
end $$;
comment on function rowbell.health_of_tables() is
  'For rowbell.health: autovacuum that is off or behind, indexes that are swollen or not valid, rows that are old. Reads statistics, and no table.';
