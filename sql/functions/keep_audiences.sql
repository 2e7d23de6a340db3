create or replace function rowbell.keep_audiences()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  delete from rowbell.audiences a
  where a.audience = any (old.audience) and a.created_at = old.created_at and a.task_id = old.id;
  if tg_op = 'UPDATE' then
    insert into rowbell.audiences (audience, created_at, task_id)
    select distinct n.name, new.created_at, new.id from unnest(new.audience) n (name);
  end if;
  return null;
end $$;
comment on function rowbell.keep_audiences() is 'Trigger function: keeps rowbell.audiences for rows that are changed or deleted.';
