create or replace function rowbell.report_progress(ids bigint[], attempts integer[], fractions double precision[])
returns void language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
begin
  update rowbell.tasks t set progress = mine.fraction
  from (
    select held.id, given.fraction
    from (select * from unnest(ids, attempts, fractions) u (id, attempt, fraction) order by u.id) given
    cross join lateral (  -- as in complete.sql
      select h.id from rowbell.tasks h
      where h.id = given.id and h.attempt = given.attempt and h.status::text = 'PROCESSING'
      for update) held) mine
  where t.id = mine.id;
end $$;
comment on function rowbell.report_progress(bigint[], integer[], double precision[]) is
  'For workers: writes the progress of running attempts, 0 to 1; attempts that have ended are ignored.';
