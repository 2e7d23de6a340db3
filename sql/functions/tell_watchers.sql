-- A watcher that sleeps holds lock (rowb, 2) exclusively. Held: tell all of them to look. Not held: nobody
-- watches, or all look by themselves; nothing is sent, and whoever goes to sleep waits for this transaction.
-- Without settings of its own, as rowbell.ring: it becomes a part of whoever writes the journal.
create or replace function rowbell.tell_watchers()
returns void language sql volatile as $$
  select case
    when not pg_try_advisory_xact_lock_shared(1919907682, 2) and pg_notification_queue_usage() < 0.9  -- watchers look each second anyway
    then pg_notify('rowbell_changes', '') end
$$;
comment on function rowbell.tell_watchers() is
  'For whoever writes the journal: one NOTIFY rowbell_changes a transaction, but only while a process watches and does not look by itself.';
