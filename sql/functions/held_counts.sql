create or replace function rowbell.held_counts(most integer default 5000)
returns table (queue text, held bigint)
language sql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
  select h.queue, count(*) from (
    (select t.queue from rowbell.tasks t where t.status = 'PENDING' and t.parents = 'open' order by t.id limit most)
    union all
    (select t.queue from rowbell.tasks t
     where t.status = 'PENDING' and (t.after is not null or t.after_batch is not null) and t.parents is null
     order by t.queue, t.id limit most)) h
  group by h.queue
$$;
comment on function rowbell.held_counts(integer) is
  'How many tasks of each queue wait for other tasks or for a batch; counted among the first `most`.';
