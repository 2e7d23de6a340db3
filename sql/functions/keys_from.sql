-- Walks the keys in the order of their hashes, from one place on and round, one probe a key. 5,000 keys
-- at the most, some 20 ms: beyond that very many have nothing that could run, and the next look begins
-- elsewhere.
create or replace function rowbell.keys_from(
  queue_name text, of_kind text, of_priority integer, most integer, per_key integer, first_hash integer,
  at timestamptz default now(), out keys text[], out rooms bigint[], out heads bigint[])
returns record language plpgsql volatile as $$
declare
  part_keys  text[];
  part_rooms bigint[];
  part_heads bigint[];
  last_hash  integer := first_hash;
  last_key   text := '';
  seen       integer := 0;
  step       integer;
  wrapped    boolean := false;
begin
  keys := '{}';
  rooms := '{}';
  heads := '{}';
  loop
    with recursive walk as (
      (select hashtext(t.concurrency_key) as hash, t.concurrency_key as key, t.run_at, t.id
       from rowbell.tasks t
       where t.queue = queue_name and t.kind = of_kind and t.priority = of_priority
         and (hashtext(t.concurrency_key), t.concurrency_key) > (last_hash, last_key)
         and t.status = 'PENDING' and hashtext(t.concurrency_key) is not null
         and ((t.after is null and t.after_batch is null) or t.parents = 'met')
       order by hashtext(t.concurrency_key), t.concurrency_key, t.run_at, t.id limit 1)
      union all
      select n.hash, n.key, n.run_at, n.id from walk w cross join lateral (
        select hashtext(t.concurrency_key) as hash, t.concurrency_key as key, t.run_at, t.id
        from rowbell.tasks t
        where t.queue = queue_name and t.kind = of_kind and t.priority = of_priority
          and (hashtext(t.concurrency_key), t.concurrency_key) > (w.hash, w.key)
          and t.status = 'PENDING' and hashtext(t.concurrency_key) is not null
          and ((t.after is null and t.after_batch is null) or t.parents = 'met')
        order by hashtext(t.concurrency_key), t.concurrency_key, t.run_at, t.id limit 1) n),
    stretch as (
      select w.hash, w.key, w.id, w.run_at <= at and (not wrapped or w.hash < first_hash) as is_due from walk w limit most),
    last_one as (
      select s.hash, s.key from stretch s order by s.hash desc, s.key desc limit 1),
    open_ones as (
      select s.key, s.id, l.most - r.running as room
      from stretch s
      left join lateral (select k.max_running from rowbell.keys k where k.name = s.key) own on true
      cross join lateral (select coalesce(own.max_running, per_key) as most) l
      cross join lateral (
        select count(*) as running from (
          select from rowbell.tasks t
          where t.status = 'PROCESSING' and t.concurrency_key is not null and t.concurrency_key = s.key
          limit l.most) busy) r
      where s.is_due and r.running < l.most)
    select (select count(*) from stretch), array_agg(o.key), array_agg(o.room), array_agg(o.id),
      (select l.hash from last_one l), (select l.key from last_one l)
    into step, part_keys, part_rooms, part_heads, last_hash, last_key
    from open_ones o;
    seen := seen + step;
    keys := keys || part_keys;
    rooms := rooms || part_rooms;
    heads := heads || part_heads;
    exit when cardinality(keys) >= most or seen > 5000 or (wrapped and (step < most or last_hash >= first_hash));
    if step < most then
      wrapped := true;
      last_hash := -2147483648;
      last_key := '';
    end if;
  end loop;
end $$;
comment on function rowbell.keys_from(text, text, integer, integer, integer, integer, timestamptz) is
  'For claims: `most` keys or a few more of a stratum that have a due row and are below their limit, with how many of each may start and its oldest row, in the order of their hashes from first_hash on, and round.';
