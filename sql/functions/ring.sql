-- Asleep, nobody holds anything, so the rule is to ring. An attendant that is awake looks by itself every
-- few milliseconds, and says so by an exclusive lock on (rowd, queue and kind): nothing has to be sent then.
-- The share of the gate, kept until this transaction ends, is what makes that safe: an attendant that goes
-- to sleep gives up its lock first, then passes the gate, which waits for everybody who had seen it awake,
-- and then looks once more. So the gate is taken before the lock is looked at.
-- The lock is looked at by taking and returning it: a share that was kept would count, for each queue and
-- kind, against max_locks_per_transaction, and an INSERT must never fail for a bell.
-- In a full queue of notifications every COMMIT that sends one fails: a bell is not worth an INSERT, and
-- the sweeps find its rows. (A session that LISTENs inside a transaction fills the queue; see bell_problem.)
-- In SQL and without settings of its own, so that it becomes a part of the query that rings.
create or replace function rowbell.ring(queue_name text, kind_name text)
returns void language sql volatile as $$
  select case
    when not pg_try_advisory_xact_lock_shared(1919907685, 0)
      or (pg_try_advisory_lock_shared(1919907684, hashtext(queue_name || ' ' || kind_name))
          and pg_advisory_unlock_shared(1919907684, hashtext(queue_name || ' ' || kind_name)))
    then case when pg_notification_queue_usage() < 0.9
      then pg_notify('rowbell_bell', queue_name) end end  -- equal ones of a transaction are sent once
$$;
comment on function rowbell.ring(text, text) is
  'The bell: a NOTIFY rowbell_bell for a queue that got a due task of a kind, unless somebody is awake for them.';
