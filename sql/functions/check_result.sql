create or replace function rowbell.check_result(result jsonb)
returns void language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if octet_length(result::text) > 65536 then
    raise exception using errcode = 'RB400',
      message = format('the result has %s bytes as JSON, the limit is 65536', octet_length(result::text)),
      hint = 'Return a key or a count; keep the data elsewhere.';
  end if;
end $$;
comment on function rowbell.check_result(jsonb) is 'RB400 if a result is too large for rowbell.tasks.';
