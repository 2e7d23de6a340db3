create or replace function rowbell.ring_for_update()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform rowbell.ring(new.queue, new.kind);
  return null;
end $$;
comment on function rowbell.ring_for_update() is
  'The bell: rings when an UPDATE made a row of rowbell.tasks due now or soon (retry, reschedule, release).';
