create or replace function rowbell.has_tokens()
returns boolean language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from rowbell.tokens)
$$;
comment on function rowbell.has_tokens() is
  'True once an API token was made, even if all are revoked or expired: to take the last one back opens nothing.';
