-- Fair shares between keys: the first row of each, then the second of each, never more than a key has
-- free. Few due rows are all looked at, oldest first. Of many, only as many keys as there are slots:
-- from a random place on (keys are ordered by their hash), so that every key gets its turn, whatever
-- lies before it. A key that is at its limit costs one probe, whether 10 or 100,000 of its rows wait.
create or replace function rowbell.pick_by_key(
  queue_name text, of_kind text, of_priority integer, most integer, chosen bigint[], at timestamptz default now())
returns bigint[] language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  few    integer := greatest(100, 2 * most);
  due    bigint[];
  fair   bigint[];
  keys   text[];
begin
  due := array(
    select t.id from rowbell.tasks t
    where t.queue = queue_name and t.kind = of_kind and t.priority = of_priority
      and t.status = 'PENDING' and t.concurrency_key is not null
      and ((t.after is null and t.after_batch is null) or t.parents = 'met')
      and t.run_at <= at and t.id <> all (chosen)
    order by t.run_at, t.id
    limit few + 1);
  if cardinality(due) <= few then
    keys := array(select distinct t.concurrency_key from rowbell.tasks t where t.id = any (due));
  else
    keys := rowbell.keys_from(queue_name, of_kind, of_priority, most, chosen, (random() * 4294967295 - 2147483648)::bigint::integer, at);
  end if;

  fair := array(
    select mine.id
    from unnest(keys) k (key)
    cross join lateral (select rowbell.room_of_key(k.key, of_kind, chosen) as room) f
    cross join lateral (
      select t.id, t.run_at, row_number() over (order by t.run_at, t.id) as round
      from rowbell.tasks t
      where t.queue = queue_name and t.kind = of_kind and t.priority = of_priority
        and hashtext(t.concurrency_key) = hashtext(k.key) and t.concurrency_key = k.key
        and t.status = 'PENDING' and t.concurrency_key is not null
        and ((t.after is null and t.after_batch is null) or t.parents = 'met')
        and t.run_at <= at and t.id <> all (chosen)
      order by t.run_at, t.id
      limit least(f.room, most)) mine
    order by mine.round, mine.run_at, mine.id
    limit most);
  return array(select t.id from rowbell.tasks t where t.id = any (fair) and t.status = 'PENDING' for update skip locked);
end $$;
comment on function rowbell.pick_by_key(text, text, integer, integer, bigint[], timestamptz) is
  'For claims: locks up to `most` due rows of a stratum that have a concurrency_key, fairly shared between the keys and within the limit of each. `chosen` were picked before.';
