create or replace function rowbell.check_arguments(function_name text, function_id oid, arguments jsonb)
returns void language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  takes   text;
  missing text;
  unknown text;
begin
  if jsonb_typeof(arguments) is distinct from 'object' then
    raise exception using errcode = 'RB400', message = 'the arguments are no JSON object',
      hint = 'Give them by name: {"day": "2026-11-21"}.';
  end if;
  select string_agg(a.name || ' ' || a.described || case when a.default_value is null then '' else ' (optional)' end, ', ' order by a.place),
    string_agg(a.name, ', ' order by a.place) filter (where a.default_value is null and not arguments ? a.name)
  into takes, missing from rowbell.function_parameters(function_id) a;
  select left(string_agg(k, ', ' order by k), 200) into unknown from jsonb_object_keys(arguments) k
  where k not in (select a.name from rowbell.function_parameters(function_id) a);
  if unknown is not null then
    raise exception using errcode = 'RB400', message = format('%s has no parameter %s', function_name, unknown),
      hint = format('It takes %s.', coalesce(takes, 'no arguments'));
  elsif missing is not null then
    raise exception using errcode = 'RB400', message = format('%s needs the argument %s', function_name, missing),
      hint = format('It takes %s.', takes);
  end if;
end $$;
comment on function rowbell.check_arguments(text, oid, jsonb) is
  'RB400 if the arguments are not those that a function takes, with those that it takes.';
