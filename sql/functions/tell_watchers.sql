-- A watcher that sleeps holds lock (rowb, 2) exclusively. Held: tell all of them to look. Not held: nobody
-- watches, or all look by themselves; nothing is sent, and whoever goes to sleep waits for this transaction.
-- It needs no rights, and so has no settings of its own: every statement that changes a task would pay for them.
create or replace function rowbell.tell_watchers()
returns trigger language plpgsql as $$
begin
  if not pg_catalog.pg_try_advisory_xact_lock_shared(1919907682, 2)
     and pg_catalog.pg_notification_queue_usage() operator(pg_catalog.<) 0.9 then  -- as in ring; watchers look each second anyway
    perform pg_catalog.pg_notify('rowbell_changes', '');
  end if;
  return null;
end $$;
comment on function rowbell.tell_watchers() is
  'After any change of rowbell.tasks: one NOTIFY rowbell_changes a transaction, but only while a process watches and does not look by itself.';
