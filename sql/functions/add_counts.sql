create or replace function rowbell.add_counts(one integer[], other integer[])
returns integer[] language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select array(
    select coalesce(u.a, 0) + coalesce(u.b, 0) from unnest(one, other) with ordinality u (a, b, n) order by n)
$$;
comment on function rowbell.add_counts(integer[], integer[]) is 'Adds two histograms element by element.';
