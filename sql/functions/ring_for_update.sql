create or replace function rowbell.ring_for_update()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if new.run_at <= clock_timestamp() + interval '1 minute'
     and (old.status <> 'PENDING' or new.run_at < old.run_at or new.queue <> old.queue or new.kind <> old.kind
       or (new.parents is distinct from old.parents and new.parents is distinct from 'open')
       or new.concurrency_key is distinct from old.concurrency_key) then
    perform rowbell.ring(new.queue, new.kind);
  end if;
  return null;
end $$;
comment on function rowbell.ring_for_update() is
  'The bell: rings when an UPDATE made a row of rowbell.tasks due now or soon (retry, reschedule, release).';
