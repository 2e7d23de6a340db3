create or replace function rowbell.prune(older_than interval, most integer default 5000, at timestamptz default now())
returns bigint language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  deleted bigint;
begin
  delete from rowbell.tasks t where t.id = any (array(
    select f.id from rowbell.tasks f
    where f.finished_at is not null and f.finished_at < at - older_than
    order by f.finished_at limit most for update skip locked));
  get diagnostics deleted = row_count;
  delete from rowbell.stacks s where s.at < prune.at - interval '1 minute';
  delete from rowbell.workers w
  where coalesce(w.stopped_at, w.lost_at) < at - interval '1 day';
  return deleted;
end $$;
comment on function rowbell.prune(interval, integer, timestamptz) is
  'For sweeps: deletes up to `most` finished tasks that are older than the interval, and workers that ended over a day ago. Returns how many tasks; call again while it equals `most`.';
