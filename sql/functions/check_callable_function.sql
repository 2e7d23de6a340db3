-- Writes the function as it will be looked up, and refuses what could never be called. Everything is
-- checked again at each call, because functions and roles change.
create or replace function rowbell.check_callable_function()
returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  words text[] := parse_ident(split_part(new.function, '(', 1));
  named oid[];
  found oid;
begin
  if cardinality(words) is distinct from 2 then
    perform rowbell.refuse('function_has_a_schema', 'function', format('function %L has no schema', new.function),
      'Write schema.function, or schema.function(types): public.refresh_report.', 'callable_functions');
  end if;
  named := array(select p.oid from pg_proc p
                 where p.pronamespace = to_regnamespace(format('%I', words[1])) and p.proname = words[2]);
  if position('(' in new.function) > 0 then
    found := to_regprocedure(new.function);
  elsif cardinality(named) > 1 then
    perform rowbell.refuse('function_is_one', 'function', format('there are %s functions %s', cardinality(named), new.function),
      'Write the types of one: ' || (select string_agg(n::regprocedure::text, ' or ' order by n) from unnest(named) n) || '.',
      'callable_functions');
  else
    found := named[1];
  end if;
  if found is null then
    perform rowbell.refuse('function_exists', 'function', format('there is no function %s', new.function),
      case when cardinality(named) > 0
           then 'There is: ' || (select string_agg(n::regprocedure::text, ', ' order by n) from unnest(named) n) || '.'
           else 'Create it first.' end, 'callable_functions');
  end if;
  perform rowbell.refuse('function_is_callable', 'function', format('%s %s', new.function, p.problem), p.remedy, 'callable_functions')
  from rowbell.function_problem(found) p;

  select format('%I.%I', n.nspname, p.proname), format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes))
  into new.name, new.function
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where p.oid = found;

  if new.run_as is not null then
    perform rowbell.check_run_as(new.function, found, new.run_as);
  end if;
  new.allowed_by := session_user;
  new.allowed_at := now();
  return new;
end $$;
comment on function rowbell.check_callable_function() is
  'Before a row of rowbell.callable_functions: resolves the function, and refuses what could never be called.';
