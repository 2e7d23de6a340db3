-- A DROP locks the journal against every INSERT of a task, and whoever waits for such a lock makes all
-- others wait behind it. So an old partition is emptied first, which concerns it alone, and dropped as
-- soon as that needs no waiting.
create or replace function rowbell.drop_journal(older_than interval, at timestamptz default now())
returns integer language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms' as $$
declare
  last_day date := ((at - older_than) at time zone 'UTC')::date;
  name     text;
  highest  xid8;
  dropped  integer := 0;
begin
  if not pg_try_advisory_xact_lock(1919907682, 5) then
    return 0;
  end if;
  for name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'rowbell.journal'::regclass and c.relname ~ '^journal_\d{4}_\d\d_\d\d$'
      and to_date(right(c.relname, 10), 'YYYY_MM_DD') < last_day
    order by 1
  loop
    begin
      execute format('lock table rowbell.%I in access exclusive mode', name);
      execute format('select max(xid) from rowbell.%I', name) into highest;
      if highest is not null then
        update rowbell.journal_state s set dropped_xid = highest where s.dropped_xid < highest;
        execute format('truncate rowbell.%I', name);
      end if;
      begin
        lock table rowbell.journal in access exclusive mode nowait;
        execute format('drop table rowbell.%I', name);
        dropped := dropped + 1;
      exception when lock_not_available then
        null;  -- it is empty; the next sweep tries again
      end;
    exception when lock_not_available or deadlock_detected then
      null;
    end;
  end loop;
  with gone as (
    delete from rowbell.journal_default d where d.at < last_day::timestamp at time zone 'UTC' returning d.xid)
  select max(gone.xid) into highest from gone;
  update rowbell.journal_state s set dropped_xid = highest where s.dropped_xid < highest;
  delete from rowbell.minutes m where m.minute < last_day::timestamp at time zone 'UTC';
  delete from rowbell.error_hours e where e.hour < last_day::timestamp at time zone 'UTC';
  delete from rowbell.totals t where t.tasks = 0;
  return dropped;
end $$;
comment on function rowbell.drop_journal(interval, timestamptz) is
  'For sweeps: drops the partitions of rowbell.journal whose last event is older than the interval, and remembers which cursors have expired by that. Returns how many.';
