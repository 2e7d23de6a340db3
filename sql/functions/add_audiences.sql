-- Open to everybody: it says what the row says, however often it is called.
create or replace function rowbell.add_audiences(new_id bigint)
returns void language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  insert into rowbell.audiences (audience, created_at, task_id)
  select distinct a.name, t.created_at, t.id from rowbell.tasks t cross join lateral unnest(t.audience) a (name)
  where t.id = new_id
  on conflict do nothing
$$;
comment on function rowbell.add_audiences(bigint) is 'For the trigger check_inserts: notes in rowbell.audiences who may see a task.';
