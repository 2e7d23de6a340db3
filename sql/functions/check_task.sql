create or replace function rowbell.check_task()
returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform rowbell.refuse_unsound(new);
  return null;
end $$;
comment on function rowbell.check_task() is
  'Trigger function: an error that names the column and the remedy, for a row with one that is not within its limits.';
