create or replace function rowbell.count_buckets(buckets integer[])
returns integer[] language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  return array(
    select count(b)::integer from generate_series(0, cardinality(rowbell.histogram_bounds())) n
    left join unnest(buckets) b on b = n group by n order by n);
end $$;
comment on function rowbell.count_buckets(integer[]) is 'How often each number of a bucket occurs: an element of rowbell.minutes.waits or runs each.';
