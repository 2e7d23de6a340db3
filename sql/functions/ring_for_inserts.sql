-- One bell for each queue that got rows which are due now or soon. Rows further ahead are found in
-- time by the sweeps, which look at least every 30 s; a minute leaves room for a slow one.
-- By the clock, not by now(): a long transaction began a while ago.
create or replace function rowbell.ring_for_inserts()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform rowbell.ring(d.queue, d.kind)
  from (
    select distinct i.queue, i.kind from inserted i
    where i.status = 'PENDING' and i.run_at <= clock_timestamp() + interval '1 minute') d;
  return null;
end $$;
comment on function rowbell.ring_for_inserts() is
  'The bell: after an INSERT or COPY into rowbell.tasks, rings for each queue and kind with due rows.';
