create or replace function rowbell.register_worker(
  host_name text, process_id integer, of_version text, served_queues text[], slot_count integer,
  lease_seconds double precision, known_kinds jsonb, at timestamptz default now())
returns bigint language plpgsql volatile as $$
declare
  worker_id bigint;
begin
  -- Sorted, so that workers that start at once lock the rows in the same order.
  insert into rowbell.kinds (name, description, max_attempts, timeout, registered_at, last_started_at)
  select k.name, k.description, k.max_attempts, k.timeout * interval '1 second', at, at
  from jsonb_to_recordset(known_kinds) k (name text, description text, max_attempts integer, timeout double precision)
  order by k.name
  on conflict (name) do update
  set description = excluded.description, max_attempts = excluded.max_attempts,
      timeout = excluded.timeout, last_started_at = excluded.last_started_at;

  insert into rowbell.workers (host, process, version, queues, kinds, slots, lease, started_at, beat_at)
  values (host_name, process_id, of_version, served_queues,
    array(select k.name from jsonb_to_recordset(known_kinds) k (name text) order by k.name),
    slot_count, lease_seconds * interval '1 second', at, at)
  returning id into worker_id;
  return worker_id;
end $$;
comment on function rowbell.register_worker(text, integer, text, text[], integer, double precision, jsonb, timestamptz) is
  'For workers: registers a worker and its kinds, and returns its id.';
