-- In a restored database the numbers of transactions in the journal are those of another server: some would
-- be held to be new when this one reaches them. They are all old. A failover keeps the numbers.
create or replace function rowbell.adopt_journal()
returns boolean language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  here text := regexp_replace(rowbell.journal_place(), '-[^-]*-', '-');  -- without the timeline
  past text;
begin
  select s.history into past from rowbell.journal_state s for update;
  if past is not distinct from here then
    return false;
  end if;
  update rowbell.journal_state s set history = here;
  if past is null then  -- it is new, and nobody has carried it anywhere
    return false;
  end if;
  update rowbell.journal j set xid = '3' where j.xid > '3';
  update rowbell.journal_state s set dropped_xid = '0', fold_cursor = pg_current_snapshot(), summarized = '{}';
  return true;
end $$;
comment on function rowbell.adopt_journal() is
  'For sweeps: in a restored database, makes what the journal brought along old. True: it was restored.';
