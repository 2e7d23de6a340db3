-- Watchers hold lock (rowb, 2) exclusively while they watch. Not held: nobody watches, nothing is
-- sent, and whoever begins to watch waits for this transaction. Held: tell them to look.
create or replace function rowbell.tell_watchers()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not pg_try_advisory_xact_lock_shared(1919907682, 2)
     and pg_notification_queue_usage() < 0.9 then  -- as in ring_for_inserts; watchers look each second anyway
    perform pg_notify('rowbell_changes', '');
  end if;
  return null;
end $$;
comment on function rowbell.tell_watchers() is
  'After any change of rowbell.tasks: one NOTIFY rowbell_changes a transaction, but only while an API process watches.';
