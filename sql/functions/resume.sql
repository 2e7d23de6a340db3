create or replace function rowbell.resume(queue_name text, at timestamptz default now())
returns rowbell.queues language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  insert into rowbell.queues (name, created_at) values (queue_name, at)
  on conflict (name) do update set paused_at = null, paused_by = null
  returning *
$$;
comment on function rowbell.resume(text, timestamptz) is
  'Resumes a paused queue; its due tasks start at once. Returns the row of rowbell.queues.';
