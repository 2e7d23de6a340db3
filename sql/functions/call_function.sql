-- No `set search_path` here: the function is to find what it finds in any session of the service.
-- So every name below has its schema, and operators are left to functions that do set theirs.
create or replace function rowbell.call_function(function_name text, arguments jsonb)
returns jsonb language plpgsql volatile as $$
declare
  allowed rowbell.callable_functions;
  call    record;
  caller  text;
  outcome jsonb;
begin
  allowed := rowbell.allowed_function(function_name);
  select * into call from rowbell.call_statement(allowed, arguments);
  caller := pg_catalog.current_setting('role');
  perform rowbell.check_may_call(allowed);
  perform pg_catalog.set_config('role', coalesce(allowed.run_as, caller), true);
  if call.conversion is not null then
    begin
      execute call.conversion using arguments;
    exception when data_exception or integrity_constraint_violation then
      raise exception using errcode = 'RB400', message = sqlerrm,
        hint = pg_catalog.concat('The arguments do not fit ', allowed.function, '.');
    end;
  end if;
  execute call.statement into outcome using arguments;
  set constraints all immediate;  -- what the function has put off belongs to it, and to its role
  reset session authorization;  -- a superuser's function may have set it
  perform pg_catalog.set_config('role', caller, true);
  perform rowbell.check_result(outcome);
  return outcome;
end $$;
comment on function rowbell.call_function(text, jsonb) is
  'For workers: calls a function of rowbell.callable_functions as its role, with arguments by name, and returns its result as JSON: an array for a function that returns a set. 42501: not allowed. RB400: wrong arguments, or a result over 64 KiB.';
