create or replace function rowbell.without_particulars(message text)
returns text language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select left(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    left(split_part(message, E'\n', 1), 500),
    '"[^"]*"|''[^'']*''|`[^`]*`|«[^»]*»', '…', 'g'),                                   -- what is quoted
    '\S+@\S+|\w+://\S+|(?:/[\w.-]+){2,}', '…', 'g'),                                   -- addresses, paths
    '\m(?:0x)?[0-9a-fA-F]*\d[0-9a-fA-F]*(?:-[0-9a-fA-F]+)*\M', '#', 'g'),              -- numbers, hashes, UUIDs
    '#(?:[.,:/-]?#)+', '#', 'g'), 200)                                                -- dates, versions, addresses
$$;
comment on function rowbell.without_particulars(text) is
  'The first line of a message without what differs from case to case: numbers, ids, addresses, paths, quoted words.';
