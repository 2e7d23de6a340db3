-- The place is the function in which it was raised, not the line: that moves with each release.
create or replace function rowbell.fingerprint(kind text, error jsonb)
returns text language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  return left(md5(concat_ws(E'\n', kind, error ->> 'type', rowbell.without_particulars(error ->> 'message'),
    substring(error ->> 'traceback' from '.*File "(?:[^"]*/)?([^"/]*)", line \d+, in '),
    substring(error ->> 'traceback' from '.*File "[^"]*", line \d+, in ([^\n]*)'))), 16);
end $$;
comment on function rowbell.fingerprint(text, jsonb) is
  'What errors (tasks.error) of one kind, type, place and wording share.';
