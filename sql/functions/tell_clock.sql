create or replace function rowbell.tell_clock(worker_id bigint, its_now timestamptz)
returns void language sql volatile as $$
  update rowbell.workers set clock_ahead = its_now - clock_timestamp() where id = worker_id
$$;
comment on function rowbell.tell_clock(bigint, timestamptz) is
  'For workers: keeps how far the clock of a worker is ahead of the server''s, but for the time that the call was on its way.';
