-- The login of the service is not known here: it is a member of rowbell_service, or owns the schema.
create or replace function rowbell.check_run_as(function_name text, function_id oid, run_as text)
returns void language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  owner name := (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = 'rowbell.callable_functions'::regclass);
begin
  if not exists (select from pg_roles r where r.rolname = run_as) then
    perform rowbell.refuse('role_exists', 'run_as', format('there is no role %L', run_as),
      'Create it first, or leave run_as out to call the function as the service.', 'callable_functions');
  end if;
  if not (rowbell.may_set_role(owner, run_as) or exists (
      select from pg_roles r where r.rolname = 'rowbell_service' and rowbell.may_set_role(r.rolname, run_as))) then
    perform rowbell.refuse('role_may_be_set', 'run_as', format('the service may not SET ROLE to %s', run_as),
      format('grant %I to rowbell_service;', run_as), 'callable_functions');
  end if;
  if not has_function_privilege(run_as::name, function_id, 'execute') then
    perform rowbell.refuse('role_may_execute', 'run_as', format('the role %s may not execute %s', run_as, function_name),
      format('grant execute on function %s to %I;', function_name, run_as), 'callable_functions');
  end if;
end $$;
comment on function rowbell.check_run_as(text, oid, text) is
  'Refuses a role that does not exist, that the service cannot become, or that may not execute the function.';
