-- Open to everybody: it says what the row says, however often it is called. The row is locked, so that nobody brings
-- back what another transaction is just taking away.
create or replace function rowbell.add_audiences(new_id bigint)
returns void language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  insert into rowbell.audiences (audience, created_at, task_id)
  select distinct a.name, t.created_at, t.id
  from (select n.id, n.created_at, n.audience from rowbell.tasks n where n.id = new_id for share) t
  cross join lateral unnest(t.audience) a (name)
  on conflict do nothing
$$;
comment on function rowbell.add_audiences(bigint) is 'For the trigger check_inserts: notes in rowbell.audiences who may see a task.';
