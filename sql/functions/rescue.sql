-- Find silent workers, and give back what they held. Safe to run anywhere, at any time, by many at
-- once: rows that another sweep has locked are skipped. Nothing here waits for a lock, so no ORDER BY is
-- needed; one by id would lure the planner into walking the primary key past a week of finished rows.
create or replace function rowbell.rescue(most integer default 10000, at timestamptz default now())
returns table (worker bigint, host text, process integer, tasks bigint, poisoned bigint)
language plpgsql volatile
set enable_seqscan = off set jit = off
as $$
#variable_conflict use_column
declare
  dead     bigint[];
  stranded bigint[];
  rescued  bigint[] := '{}';
  one      bigint;
  session  integer;
begin
  for session in
    update rowbell.workers w set lost_at = at, busy = 0
    where w.id in (
      select s.id from rowbell.workers s
      where s.lost_at is null and s.stopped_at is null and s.beat_at + s.lease < at
      order by s.id for update skip locked)
    returning (w.tally ->> 'session')::integer
  loop
    perform rowbell.unseat(session);
  end loop;

  dead := array(
    select distinct t.worker from rowbell.tasks t
    where t.status = 'PROCESSING'
      and not exists (select from rowbell.workers w
                      where w.id = t.worker and w.lost_at is null and w.stopped_at is null));
  if dead = '{}' then
    return;
  end if;
  stranded := array(
    select t.id from rowbell.tasks t
    where t.status = 'PROCESSING' and (t.worker is null or t.worker = any (dead))
    limit most for update skip locked);
  begin
    rescued := rowbell.give_back(stranded, at);
  exception when others then
    -- A row that a trigger of somebody refuses must not keep the others.
    foreach one in array stranded loop
      begin
        rescued := rescued || rowbell.give_back(array[one], at);
      exception when others then
        raise warning 'task % cannot be given back: %', one, sqlerrm;
      end;
    end loop;
  end;
  return query
  select r.worker, w.host, w.process, count(*), count(*) filter (where r.status = 'FAILED')
  from rowbell.tasks r left join rowbell.workers w on w.id = r.worker
  where r.id = any (rescued)
  group by r.worker, w.host, w.process;
end $$;
comment on function rowbell.rescue(integer, timestamptz) is
  'For sweeps: marks workers lost that were silent for longer than their lease, and makes tasks of lost workers PENDING again. A task that lost five workers is FAILED. Returns a row for each worker that tasks were taken from.';
