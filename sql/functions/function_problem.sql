create or replace function rowbell.function_problem(function_id oid)
returns table (problem text, remedy text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select said.problem, said.remedy
  from pg_proc p
  join pg_type returned on returned.oid = p.prorettype
  cross join lateral (values
    (p.prokind = 'p', 'is a procedure',
     'A procedure may commit on its own, and then not together with the task: write a function.'),
    (p.prokind in ('a', 'w'), 'is an aggregate or a window function', 'Call it in a function of your own.'),
    (p.provariadic <> 0, 'takes VARIADIC arguments', 'Write a function that takes an array.'),
    (returned.typtype = 'p' and p.prorettype <> 'record'::regtype and (p.proretset or p.prorettype <> 'void'::regtype),
     'returns ' || format_type(p.prorettype, null), 'Write a function that returns a value, rows, or void.'),
    (exists (select from unnest(p.proargtypes::oid[]) a join pg_type t on t.oid = a where t.typtype = 'p'),
     'takes an argument of a type that no JSON has', 'Write a function whose parameters have plain types.'),
    (exists (select from rowbell.function_parameters(p.oid) a where coalesce(a.name, '') = ''),
     'has a parameter without a name', 'Arguments are given by name: CREATE OR REPLACE it with names for its parameters.')
  ) said (is_so, problem, remedy)
  where p.oid = function_id and said.is_so
  limit 1
$$;
comment on function rowbell.function_problem(oid) is
  'No row if the kind call_function can call a function; else why not, and what to do.';
