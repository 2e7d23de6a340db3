-- A loose scan: each pair is found by one probe of tasks_listed behind the one before, however many
-- rows a pair has.
create or replace function rowbell.task_groups(kinds text[], queues text[])
returns table (kind text, queue text) language sql stable set search_path = pg_catalog, pg_temp as $$
  with recursive pairs as (
    (select t.kind, t.queue from rowbell.tasks t
     where task_groups.kinds is null and t.status <> 'PROCESSING' order by t.kind, t.queue limit 1)
    union all
    select n.kind, n.queue from (select distinct unnest(task_groups.kinds) as kind) k
    cross join lateral (
      select t.kind, t.queue from rowbell.tasks t
      where t.kind = k.kind and t.status <> 'PROCESSING' order by t.kind, t.queue limit 1) n
  ), rest as (
    select p.kind, p.queue from pairs p
    union all
    select n.kind, n.queue from rest r
    cross join lateral (
      select t.kind, t.queue from rowbell.tasks t
      where (t.kind, t.queue) > (r.kind, r.queue) and t.status <> 'PROCESSING' order by t.kind, t.queue limit 1) n
    where task_groups.kinds is null or n.kind = r.kind)
  select r.kind, r.queue from rest r where task_groups.queues is null or r.queue = any (task_groups.queues)
$$;
comment on function rowbell.task_groups(text[], text[]) is
  'The pairs of kind and queue that tasks have, those of running tasks left out; null: any kind, any queue.';
