create or replace function rowbell.check_task()
returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform rowbell.refuse_unsound(new);
  return null;
end $$;
comment on function rowbell.check_task() is
  'Trigger function: what the CHECK task_is_sound does for rows that were never claimed.';
