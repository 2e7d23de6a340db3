create or replace function rowbell.ring_for_queue()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if pg_notification_queue_usage() < 0.9 then  -- as in ring_for_inserts
    perform pg_notify('rowbell_bell', new.name);
  end if;
  return null;
end $$;
comment on function rowbell.ring_for_queue() is
  'The bell: rings when a queue was resumed, whether by rowbell.resume or by an UPDATE of rowbell.queues.';
