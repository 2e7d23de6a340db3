create or replace function rowbell.create_token(
  digest bytea, name text, subject text, role text, audiences text[] default '{}', lifetime interval default null,
  at timestamptz default now())
returns bigint language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  insert into rowbell.tokens (digest, name, subject, role, audiences, created_at, expires_at)
  values (digest, name, subject, role, audiences, at, at + lifetime)
  returning id
$$;
comment on function rowbell.create_token(bytea, text, text, text, text[], interval, timestamptz) is
  'Keeps a new API token, of which only the digest comes here, and returns its id. lifetime null: it never expires.';
