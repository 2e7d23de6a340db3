-- Names come from the catalog and are quoted, values are a parameter: nothing of a payload becomes SQL.
-- Every argument is passed by place and with the exact type, defaults too: that can be no other
-- function of the same name, whoever adds one.
create or replace function rowbell.call_statement(allowed rowbell.callable_functions, arguments jsonb)
returns table (conversion text, statement text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  target  oid := to_regprocedure(allowed.function);
  problem record;
  passed  text;
  origin  text;
  call    text;
begin
  if target is null then
    raise exception using errcode = 'undefined_function', message = format('the function %s does not exist any more', allowed.function),
      hint = 'Create it again, or delete its row from rowbell.callable_functions.';
  end if;
  for problem in select p.problem, p.remedy from rowbell.function_problem(target) p loop
    raise exception using errcode = 'wrong_object_type', message = format('%s %s', allowed.function, problem.problem), hint = problem.remedy;
  end loop;
  perform rowbell.check_arguments(allowed.function, target, arguments);

  select
    string_agg(case when arguments ? a.name then format('a.%I', a.name) else format('(%s)::%s', a.default_value, a.type) end, ', ' order by a.place),
    ' from pg_catalog.jsonb_to_record($1) a ('
      || string_agg(format('%I %s', a.name, a.type), ', ' order by a.place) filter (where arguments ? a.name) || ')'
  into passed, origin from rowbell.function_parameters(target) a;
  call := format('%s(%s)', allowed.name, passed);
  conversion := 'select' || origin;
  select case
      when p.proretset then 'select coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(r.value)), ''[]'') from (select ' || call || ' as value' || coalesce(origin, '') || ') r'
      -- A void can be cast to nothing, but compared with null.
      when p.prorettype = 'void'::regtype then 'select case when ' || call || ' is null then null::pg_catalog.jsonb end' || coalesce(origin, '')
      else 'select pg_catalog.to_jsonb(' || call || ')' || coalesce(origin, '') end
  into statement from pg_proc p where p.oid = target;
  return next;
end $$;
comment on function rowbell.call_statement(rowbell.callable_functions, jsonb) is
  'The SQL that calls an allowed function with its arguments as $1, and the SQL that only converts them (null: there are none). RB400, 42883, 42809: it cannot be called so.';
