-- Written at most once a minute, so that a busy token costs no write a request.
create or replace function rowbell.use_token(digest bytea, at timestamptz default now())
returns table (id bigint, subject text, role text, audiences text[], seconds_left double precision)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  update rowbell.tokens t set last_used_at = at
  where t.digest = use_token.digest and t.revoked_at is null and (t.expires_at is null or t.expires_at > at)
    and (t.last_used_at is null or t.last_used_at < at - interval '1 minute');
  return query
    select t.id, t.subject, t.role, t.audiences, extract(epoch from t.expires_at - at)::double precision
    from rowbell.tokens t
    where t.digest = use_token.digest and t.revoked_at is null and (t.expires_at is null or t.expires_at > at);
end $$;
comment on function rowbell.use_token(bytea, timestamptz) is
  'Whose API token has this digest, and for how long; no row if there is none, or it has expired or is revoked.';
