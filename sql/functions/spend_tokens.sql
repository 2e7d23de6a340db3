create or replace function rowbell.spend_tokens(queue_name text, started bigint[], at timestamptz default now())
returns void language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
begin
  insert into rowbell.buckets as b (scope, name, tokens, filled_at)
  select spent.scope, spent.name, rowbell.tokens(spent.scope, spent.name, spent.rate, spent.burst, at) - spent.count, at
  from (
    select 'queue' as scope, q.name, q.rate, q.burst, cardinality(started) as count
    from rowbell.queues q where q.name = queue_name and q.rate is not null
    union all
    select 'kind', k.name, k.rate, k.burst, count(*)::integer
    from rowbell.tasks t join rowbell.kinds k on k.name = t.kind
    where t.id = any (started) and k.rate is not null
    group by k.name, k.rate, k.burst) spent
  on conflict (scope, name) do update
  set tokens = excluded.tokens, filled_at = greatest(b.filled_at, excluded.filled_at);
end $$;
comment on function rowbell.spend_tokens(text, bigint[], timestamptz) is
  'For claims: takes a token out of the bucket of the queue, and of each kind that has a rate, for every task that is started.';
