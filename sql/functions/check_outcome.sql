create or replace function rowbell.check_outcome()
returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if octet_length(new.result::text) > 65536 or new.progress not between 0 and 1 then
    perform rowbell.refuse_unsound(new);
  end if;
  return null;
end $$;
comment on function rowbell.check_outcome() is
  'Trigger function: an error that names the column and the remedy, for a result or progress that is not within its limits.';
