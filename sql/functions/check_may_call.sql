create or replace function rowbell.check_may_call(allowed rowbell.callable_functions)
returns void language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  caller name := coalesce(allowed.run_as, current_user);
  target oid := to_regprocedure(allowed.function);
begin
  if not exists (select from pg_roles r where r.rolname = caller) then
    raise exception using errcode = 'undefined_object', message = format('the role %s of %s does not exist any more', caller, allowed.function),
      hint = 'Create it again, or change run_as in rowbell.callable_functions.';
  elsif allowed.run_as is not null and not rowbell.may_set_role(session_user, allowed.run_as) then
    raise exception using errcode = 'insufficient_privilege', message = format('the service may not SET ROLE to %s', caller),
      hint = format('grant %I to %I;', caller, session_user);
  elsif not has_function_privilege(caller, target, 'execute') then
    raise exception using errcode = 'insufficient_privilege', message = format('the role %s may not execute %s', caller, allowed.function),
      hint = format('grant execute on function %s to %I;', allowed.function, caller);
  end if;
end $$;
comment on function rowbell.check_may_call(rowbell.callable_functions) is
  'Refuses a call whose role is gone, that this session may not become, or that may not execute the function.';
