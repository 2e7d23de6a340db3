-- Nobody else has written a task since the TRUNCATE has its lock, and the journal of all that was written is visible: once
-- it is counted, the totals are what is gone. What this very transaction wrote before will be counted after
-- its commit, so the totals go as far below zero as that will add.
create or replace function rowbell.forget_tasks()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(1919907682, 6);  -- of rowbell.fold_journal
  while rowbell.fold_journal() >= 50000 loop
    null;
  end loop;
  delete from rowbell.totals;
  insert into rowbell.totals (queue, kind, status, tasks)
  select s.queue, s.kind, s.status, -sum(s.step) from (
    select j.queue, j.kind, j.status, 1 as step from rowbell.journal j where j.xid = pg_current_xact_id()
    union all
    select coalesce(j.detail ->> 'queue_before', j.queue), coalesce(j.detail ->> 'kind_before', j.kind), j.status_before, -1
    from rowbell.journal j where j.xid = pg_current_xact_id()) s
  where s.status is not null group by 1, 2, 3 having sum(s.step) <> 0;
  truncate rowbell.audiences;
  return null;
end $$;
comment on function rowbell.forget_tasks() is 'Trigger function: after a TRUNCATE, sets rowbell.totals and rowbell.audiences right.';
