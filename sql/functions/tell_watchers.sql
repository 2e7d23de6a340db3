-- A watcher that sleeps holds lock (rowb, 2) exclusively. Held: tell all of them to look. Not held: nobody
-- watches, or all look by themselves; nothing is sent, and whoever goes to sleep waits for this transaction.
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
  'After any change of rowbell.tasks: one NOTIFY rowbell_changes a transaction, but only while a process watches and does not look by itself.';
