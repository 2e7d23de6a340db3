-- Called by whatever makes tasks final. Lock (rowb, 4): see see_parents.sql. Of two parents that finish
-- at once the second has to see what the first one did, so batches and children are locked before their
-- other parents are looked at: the whole family at once and in one order, or two of them would deadlock.
create or replace function rowbell.meet(finished bigint[], at timestamptz default now())
returns void language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  ended   bigint[];  -- the finished ones, and those that are cancelled with them
  batches text[];
begin
  if coalesce(cardinality(finished), 0) = 0 then
    return;
  end if;
  perform pg_advisory_xact_lock_shared(1919907682, 4);
  if not exists (select from rowbell.dependencies) then
    return;
  end if;

  delete from rowbell.dependencies d where d.child = any (finished);  -- cancelled while they waited
  ended := finished || array(
    with recursive lost (id) as (
      select f.id from unnest(finished) f (id) left join rowbell.tasks t on t.id = f.id
      where t.id is null or t.status in ('FAILED', 'CANCELLED')
      union
      select c.id from lost l
      join rowbell.dependencies d on d.parent is not null and d.parent = l.id
      join rowbell.tasks c on c.id = d.child
      left join rowbell.tasks p on p.id = l.id
      where c.after_failure = 'cancel' or (p.id is null and c.after_failure = 'wait'))
    select l.id from lost l where l.id <> all (finished));

  batches := array(
    select distinct t.batch from rowbell.tasks t
    where t.id = any (ended) and t.batch is not null
      and exists (select from rowbell.dependencies d where d.batch is not null and d.batch = t.batch)
    order by t.batch);
  perform pg_advisory_xact_lock(1919907683, hashtext(b.name)) from unnest(batches) b (name);
  perform from rowbell.tasks t
  where t.id = any (array(
    select d.child from rowbell.dependencies d where d.parent is not null and d.parent = any (ended)
    union
    select d.child from rowbell.dependencies d where d.batch is not null and d.batch = any (batches)))
  order by t.id for update;

  perform rowbell.cancel_children(ended[cardinality(finished) + 1:], at);
  perform rowbell.meet_children(ended, batches);
end $$;
comment on function rowbell.meet(bigint[], timestamptz) is
  'For the functions that make tasks final: lets the tasks run that waited for these, or cancels them, as their after_failure says, and so on down.';
