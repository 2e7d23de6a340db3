-- A token bucket: it fills at `rate` a second up to `burst`, and each start takes one out.
create or replace function rowbell.tokens(
  of_scope text, of_name text, rate double precision, burst integer, at timestamptz default now())
returns double precision language sql stable as $$
  select case when rate is not null then
    coalesce(
      (select least(coalesce(burst, greatest(1, round(rate))),
                    b.tokens + rate * greatest(0, extract(epoch from at - b.filled_at)))
       from rowbell.buckets b where b.scope = of_scope and b.name = of_name),
      burst, greatest(1, round(rate)))
  end
$$;
comment on function rowbell.tokens(text, text, double precision, integer, timestamptz) is
  'How many tasks a rate lets start now, with the fraction of the next one; null: there is no rate. A bucket that was never used is full.';
