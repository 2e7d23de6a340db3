create or replace function rowbell.cancel_requests(worker_id bigint)
returns setof bigint language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
begin
  return query
  select t.id from rowbell.tasks t
  where t.worker = worker_id and t.status = 'PROCESSING' and t.cancel_requested_at is not null;
end $$;
comment on function rowbell.cancel_requests(bigint) is
  'For sweeps: the ids of the tasks of a worker whose cancel was asked for, should NOTIFY rowbell_cancel have been missed.';
