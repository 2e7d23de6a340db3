create or replace function rowbell.revoke_token(token_id bigint, at timestamptz default now())
returns timestamptz language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  revoked timestamptz;
begin
  update rowbell.tokens t set revoked_at = coalesce(t.revoked_at, at)
  where t.id = token_id returning t.revoked_at into revoked;
  if not found then
    raise exception using errcode = 'RB404', message = format('there is no token %s', token_id),
      hint = 'rowbell token ls lists them.';
  end if;
  return revoked;
end $$;
comment on function rowbell.revoke_token(bigint, timestamptz) is
  'Takes an API token back for good: requests are refused and its sockets closed. Returns since when. RB404: no such token.';
