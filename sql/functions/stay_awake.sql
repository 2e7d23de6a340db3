create or replace function rowbell.stay_awake(queue_name text, kind_names text[])
returns integer[] language sql volatile as $$
  select array_agg(k.key)
  from (select hashtext(queue_name || ' ' || n.name) as key from unnest(kind_names) n (name)) k
  where pg_try_advisory_lock(1919907684, k.key)
$$;
comment on function rowbell.stay_awake(text, text[]) is
  'For workers on duty: says that this session looks at a queue by itself, so that nobody rings for these kinds. Returns the locks for stand_down; null: others are awake for all of them.';
