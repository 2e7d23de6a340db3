-- At most 5,000 probes, some 20 ms: beyond that, very many keys have nothing that is due, and the next
-- look begins elsewhere.
create or replace function rowbell.keys_from(
  queue_name text, of_kind text, of_priority integer, most integer, chosen bigint[], first_hash integer, at timestamptz default now())
returns text[] language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  keys      text[] := '{}';
  hash      integer := first_hash;
  key       text := '';
  due_at    timestamptz;
  wrapped   boolean := false;
begin
  for probe in 1 .. 5000 loop
    select hashtext(t.concurrency_key), t.concurrency_key, t.run_at into hash, key, due_at
    from rowbell.tasks t
    where t.queue = queue_name and t.kind = of_kind and t.priority = of_priority
      and (hashtext(t.concurrency_key), t.concurrency_key) > (hash, key)
      and t.status = 'PENDING' and t.concurrency_key is not null
      and ((t.after is null and t.after_batch is null) or t.parents = 'met')
    order by hashtext(t.concurrency_key), t.concurrency_key, t.run_at
    limit 1;
    if not found then
      exit when wrapped;
      wrapped := true;
      hash := -2147483648;
      key := '';
      continue;
    end if;
    exit when wrapped and hash >= first_hash;
    if due_at <= at and rowbell.room_of_key(key, of_kind, chosen) > 0 then
      keys := keys || key;
      exit when cardinality(keys) = most;
    end if;
  end loop;
  return keys;
end $$;
comment on function rowbell.keys_from(text, text, integer, integer, bigint[], integer, timestamptz) is
  'For claims: up to `most` keys of a stratum that have a due row and are below their limit, in the order of their hashes from first_hash on, and round.';
