create or replace function rowbell.sign_off(worker_id bigint, at timestamptz default now())
returns void language plpgsql volatile as $$
begin
  update rowbell.workers set stopped_at = at, busy = 0 where id = worker_id and stopped_at is null;
end $$;
comment on function rowbell.sign_off(bigint, timestamptz) is
  'For workers: the last word of a worker. What it still holds is rescued by the next sweep.';
