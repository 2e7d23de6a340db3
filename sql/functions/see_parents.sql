-- The first look at rows that have parents: met, to be awaited, or failed already. Whoever finishes a
-- task holds lock (rowb, 4) shared, from before it looks for children until its commit (meet.sql); here
-- it is held alone. So either that task is seen as finished here, or the rows written here are seen there.
create or replace function rowbell.see_parents(queue_name text, most integer default 1000, at timestamptz default now())
returns integer language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  unseen bigint[];
  doomed bigint[];
begin
  if not pg_try_advisory_xact_lock(1919907682, 4) then
    return 0;  -- never wait in a claim: the next look is soon
  end if;
  unseen := array(
    select t.id from rowbell.tasks t
    where t.queue = queue_name and t.status = 'PENDING'
      and (t.after is not null or t.after_batch is not null) and t.parents is null
    order by t.id limit most for update skip locked);

  insert into rowbell.dependencies (child, parent)
  select distinct t.id, wanted.parent
  from rowbell.tasks t cross join lateral unnest(t.after) wanted (parent)
  left join rowbell.tasks p on p.id = wanted.parent
  where t.id = any (unseen)
    and (p.status in ('PENDING', 'PROCESSING') or (p.status in ('FAILED', 'CANCELLED') and t.after_failure = 'wait'))
  on conflict do nothing;
  insert into rowbell.dependencies (child, batch)
  select t.id, t.after_batch from rowbell.tasks t
  where t.id = any (unseen) and exists (
    select from rowbell.tasks b
    where b.batch = t.after_batch and b.batch is not null and b.status in ('PENDING', 'PROCESSING') and b.id <> t.id)
  on conflict do nothing;

  doomed := array(
    select t.id from rowbell.tasks t
    where t.id = any (unseen) and exists (
      select from unnest(t.after) wanted (parent)
      left join rowbell.tasks p on p.id = wanted.parent
      where (p.id is null and t.after_failure <> 'run')
         or (p.status in ('FAILED', 'CANCELLED') and t.after_failure = 'cancel')));
  perform rowbell.cancel_children(doomed, at);
  perform rowbell.meet(doomed, at);  -- their children in turn

  update rowbell.tasks t
  set parents = case when exists (select from rowbell.dependencies d where d.child = t.id) then 'open' else 'met' end
  where t.id = any (unseen) and t.status = 'PENDING';
  return cardinality(unseen);
end $$;
comment on function rowbell.see_parents(text, integer, timestamptz) is
  'For claims: looks once at the parents of up to `most` new rows of a queue, and notes what they wait for. Returns how many it looked at.';
