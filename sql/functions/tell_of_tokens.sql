create or replace function rowbell.tell_of_tokens()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if pg_notification_queue_usage() < 0.9 then  -- as in ring_for_inserts; processes look every few seconds anyway
    perform pg_notify('rowbell_tokens', '');
  end if;
  return null;
end $$;
comment on function rowbell.tell_of_tokens() is
  'After a change of rowbell.tokens: one NOTIFY rowbell_tokens, so that every API process looks at its sockets.';
