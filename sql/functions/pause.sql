create or replace function rowbell.pause(queue_name text, at timestamptz default now())
returns rowbell.queues language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  insert into rowbell.queues (name, paused_at, paused_by)
  values (queue_name, at, coalesce(nullif(current_setting('rowbell.subject', true), ''), session_user))
  on conflict (name) do update
  set paused_at = coalesce(queues.paused_at, excluded.paused_at), paused_by = coalesce(queues.paused_by, excluded.paused_by)
  returning *
$$;
comment on function rowbell.pause(text, timestamptz) is
  'Pauses a queue: running tasks go on, no further one is claimed. Returns the row of rowbell.queues.';
