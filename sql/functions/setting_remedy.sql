create or replace function rowbell.setting_remedy(of_setting text, good text)
returns text language sql stable as $$
  select case s.source
    when 'database' then format('alter database %I reset %I;', current_database(), s.name)
    when 'user' then format('alter role %I reset %I;', session_user, s.name)
    when 'database user' then format('alter role %I in database %I reset %I;', session_user, current_database(), s.name)
    else format('alter system set %I = %L; select pg_reload_conf();', s.name, good) end
  from pg_catalog.pg_settings s where s.name = of_setting
$$;
comment on function rowbell.setting_remedy(text, text) is
  'For rowbell.health: the SQL that mends a setting of PostgreSQL where it was made: on the role, on the database, or in the server.';
