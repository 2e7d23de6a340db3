create or replace function rowbell.allowed_function(function_name text)
returns rowbell.callable_functions language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  listed rowbell.callable_functions[] := array(
    select c from rowbell.callable_functions c
    where c.function = function_name or c.name = function_name order by c.function);
begin
  if cardinality(listed) = 0 then
    raise exception using errcode = 'insufficient_privilege', message = format('the function %L is not allowed', function_name),
      hint = 'Write schema.function as in rowbell.callable_functions, where the owner of the schema allows functions.';
  elsif cardinality(listed) > 1 then
    raise exception using errcode = 'RB400', message = format('%s functions %s are allowed', cardinality(listed), function_name),
      hint = 'Write the types of one: ' || (select string_agg(l.function, ' or ') from unnest(listed) l) || '.';
  end if;
  return listed[1];
end $$;
comment on function rowbell.allowed_function(text) is
  'The row of rowbell.callable_functions with this name, with or without types. 42501: it is not allowed. RB400: several are.';
