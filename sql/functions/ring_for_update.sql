create or replace function rowbell.ring_for_update()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if pg_notification_queue_usage() < 0.9 then  -- as in ring_for_inserts
    perform pg_notify('rowbell_bell', new.queue);  -- equal ones of a transaction are sent once
  end if;
  return null;
end $$;
comment on function rowbell.ring_for_update() is
  'The bell: rings when an UPDATE made a row of rowbell.tasks due now or soon (retry, reschedule, release).';
