create or replace function rowbell.ring_for_schedules()
returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if pg_notification_queue_usage() < 0.9 then  -- as in ring_for_inserts
    perform pg_notify('rowbell_schedules', '');
  end if;
  return null;
end $$;
comment on function rowbell.ring_for_schedules() is 'Trigger function: tells workers that some schedule may be due earlier than they think.';
