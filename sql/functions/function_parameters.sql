create or replace function rowbell.function_parameters(function_id oid)
returns table (place bigint, name text, type text, described text, default_value text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select a.ordinality, a.name, format('%I.%I', n.nspname, t.typname), format_type(t.oid, null),
    pg_get_function_arg_default(p.oid, a.ordinality::integer)
  from pg_proc p
  cross join lateral unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes)
    with ordinality a (type, name, mode, ordinality)
  join pg_type t on t.oid = a.type
  join pg_namespace n on n.oid = t.typnamespace
  where p.oid = function_id and coalesce(a.mode, 'i') in ('i', 'b', 'v')
$$;
comment on function rowbell.function_parameters(oid) is
  'The parameters that a call of a function may give: name, type with its schema, type for people, SQL of its default.';
