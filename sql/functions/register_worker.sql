create or replace function rowbell.register_worker(
  host_name text, process_id integer, of_version text, served_queues text[], slot_count integer,
  lease_seconds double precision, known_kinds jsonb, at timestamptz default now())
returns bigint language plpgsql volatile as $$
declare
  worker_id bigint;
begin
  -- Sorted, so that workers that start at once lock the rows in the same order.
  insert into rowbell.kinds as mine (name, description, max_attempts, timeout, registered_at, last_started_at,
    max_running, max_running_per_key, rate, burst, on_failed, on_failed_payload, module)
  select k.name, k.description, k.max_attempts, k.timeout * interval '1 second', at, at,
    k.max_running, k.max_running_per_key, k.rate, k.burst, k.on_failed, coalesce(k.on_failed_payload, '{}'), k.module
  from jsonb_to_recordset(known_kinds) k (name text, description text, max_attempts integer, timeout double precision,
    max_running integer, max_running_per_key integer, rate double precision, burst integer, on_failed text, on_failed_payload jsonb, module text)
  order by k.name
  on conflict (name) do update
  set description = excluded.description, max_attempts = excluded.max_attempts,
      timeout = excluded.timeout, last_started_at = excluded.last_started_at,
      module = coalesce(excluded.module, mine.module),
      -- What the code leaves open is the DBA's: their limits outlive a restart.
      max_running = coalesce(excluded.max_running, mine.max_running),
      max_running_per_key = coalesce(excluded.max_running_per_key, mine.max_running_per_key),
      rate = coalesce(excluded.rate, mine.rate),
      burst = case when excluded.rate is not null then excluded.burst else mine.burst end,
      on_failed = coalesce(excluded.on_failed, mine.on_failed),
      on_failed_payload = case when excluded.on_failed is not null then excluded.on_failed_payload else mine.on_failed_payload end;

  insert into rowbell.workers (host, process, version, queues, kinds, slots, lease, started_at, beat_at)
  values (host_name, process_id, of_version, served_queues,
    array(select k.name from jsonb_to_recordset(known_kinds) k (name text) order by k.name),
    slot_count, lease_seconds * interval '1 second', at, at)
  returning id into worker_id;
  return worker_id;
end $$;
comment on function rowbell.register_worker(text, integer, text, text[], integer, double precision, jsonb, timestamptz) is
  'For workers: registers a worker and its kinds, and returns its id.';
