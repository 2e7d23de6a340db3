-- A limit of a kind or a key holds back rows of any queue, so every queue is looked at.
create or replace function rowbell.ring_for_limit()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if pg_notification_queue_usage() >= 0.9 then  -- as in ring_for_inserts
    return null;
  end if;
  if tg_table_name <> 'tasks' then
    perform pg_notify('rowbell_bell', '*');
  elsif old.status <> 'PROCESSING' or new.status = 'PROCESSING' then
    return null;  -- it did not run, or goes on
  elsif old.concurrency_key is not null
     or exists (select from rowbell.kinds k where k.name = old.kind and k.max_running is not null) then
    perform pg_notify('rowbell_bell', '*');
  else
    perform pg_notify('rowbell_bell', old.queue);
  end if;
  return null;
end $$;
comment on function rowbell.ring_for_limit() is
  'The bell: rings when a task under a limit has ended, or a limit was changed, for now another one may start. * is every queue.';
