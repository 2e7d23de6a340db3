create or replace function rowbell.count_buckets(buckets integer[], numbers bigint[])
returns integer[] language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  return array(
    select coalesce(sum(g.number), 0)::integer from generate_series(0, cardinality(rowbell.histogram_bounds())) n
    left join unnest(buckets, numbers) g (bucket, number) on g.bucket = n group by n order by n);
end $$;
comment on function rowbell.count_buckets(integer[], bigint[]) is
  'How many lie in each bucket, given so many in some of them: an element of rowbell.minutes.waits or runs each.';
