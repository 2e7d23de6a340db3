-- Full ranges of pages alone: an entry that is added to a range that has its filter pays for it. A lock that is not
-- to be had at once is left for the next sweep: waiting for it would end an autovacuum.
create or replace function rowbell.summarize_journal(most integer default 1000)
returns integer language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms' as $$
declare
  done  jsonb;
  one   record;
  page  bigint;
  made  integer := 0;
begin
  if not pg_try_advisory_xact_lock(1919907682, 7) then
    return 0;
  end if;
  select s.summarized into done from rowbell.journal_state s;
  for one in
    select c.relname, x.indexrelid, pg_relation_size(c.oid) / current_setting('block_size')::bigint as pages
    from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_index x on x.indrelid = c.oid
    join pg_class k on k.oid = x.indexrelid and k.relname = c.relname || '_task'
    where i.inhparent = 'rowbell.journal'::regclass
  loop
    page := coalesce((done ->> one.relname)::bigint, 0);
    if page > one.pages then
      page := 0;  -- it was emptied
    end if;
    begin
      while page + 32 <= one.pages and made < most loop
        perform brin_summarize_range(one.indexrelid::regclass, page);
        page := page + 32;
        made := made + 1;
      end loop;
      done := done || jsonb_build_object(one.relname, page);
    exception when lock_not_available or deadlock_detected then
      null;
    end;
  end loop;
  update rowbell.journal_state s set summarized = (
    select coalesce(jsonb_object_agg(d.key, d.value), '{}') from jsonb_each(done) d where to_regclass('rowbell.' || d.key) is not null)
  where made > 0;
  return made;
end $$;
comment on function rowbell.summarize_journal(integer) is
  'For sweeps: makes the index on the entries of one task for what was written since, up to `most` ranges of 32 pages. Returns how many.';
