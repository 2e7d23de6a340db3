create or replace function rowbell.may_set_role(login name, role_name text)
returns boolean language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  -- Since 16 a membership may come without the right to SET ROLE.
  return pg_has_role(login, role_name::name,
    case when current_setting('server_version_num')::integer >= 160000 then 'SET' else 'MEMBER' end);
end $$;
comment on function rowbell.may_set_role(name, text) is 'Whether a role may SET ROLE to another one.';
