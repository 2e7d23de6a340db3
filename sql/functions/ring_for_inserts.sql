-- One bell for each queue that got rows which are due now or soon. Rows further ahead are found in
-- time by the sweeps, which look at least every 30 s; a minute leaves room for a slow one.
-- By the clock, not by now(): a long transaction began a while ago.
-- In a full queue of notifications every COMMIT that sends one fails: a bell is not worth an INSERT, and
-- the sweeps find its rows. (A session that LISTENs inside a transaction fills the queue; see bell_problem.)
create or replace function rowbell.ring_for_inserts()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if pg_notification_queue_usage() < 0.9 then
    perform pg_notify('rowbell_bell', ringing.queue)
    from (select distinct i.queue from inserted i
          where i.status = 'PENDING' and i.run_at <= clock_timestamp() + interval '1 minute') ringing;
  end if;
  return null;
end $$;
comment on function rowbell.ring_for_inserts() is
  'The bell: after an INSERT or COPY into rowbell.tasks, one NOTIFY rowbell_bell for each queue with due rows.';
