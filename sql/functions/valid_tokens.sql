create or replace function rowbell.valid_tokens(ids bigint[], at timestamptz default now())
returns table (id bigint) language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select t.id from rowbell.tokens t
  where t.id = any (ids) and t.revoked_at is null and (t.expires_at is null or t.expires_at > at)
$$;
comment on function rowbell.valid_tokens(bigint[], timestamptz) is
  'Those of these API tokens that are still taken: asked while sockets live.';
