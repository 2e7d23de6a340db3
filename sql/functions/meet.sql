-- Called by whatever makes tasks final. The lock: see see_parents.sql. Children are locked, in the order
-- of ids, before their other parents are looked at: of two parents that finish at once, the second sees
-- what the first one did.
create or replace function rowbell.meet(finished bigint[], at timestamptz default now())
returns void language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  children bigint[];
  ended    text;
begin
  if coalesce(cardinality(finished), 0) = 0 then
    return;
  end if;
  perform pg_advisory_xact_lock_shared(1919907682, 4);
  if not exists (select from rowbell.dependencies) then
    return;
  end if;

  delete from rowbell.dependencies d where d.child = any (finished);  -- cancelled while they waited

  children := array(
    select d.child from rowbell.dependencies d where d.parent is not null and d.parent = any (finished));
  for ended in
    select distinct t.batch from rowbell.tasks t
    where t.id = any (finished) and t.batch is not null
      and exists (select from rowbell.dependencies d where d.batch is not null and d.batch = t.batch)
    order by t.batch
  loop
    perform pg_advisory_xact_lock(1919907683, hashtext(ended));  -- of its last two tasks one comes second
    if not exists (select from rowbell.tasks t
                   where t.batch = ended and t.batch is not null and t.status in ('PENDING', 'PROCESSING')) then
      children := children || array(
        select d.child from rowbell.dependencies d where d.batch is not null and d.batch = ended);
      delete from rowbell.dependencies d where d.batch is not null and d.batch = ended;
    end if;
  end loop;
  if cardinality(children) = 0 then
    return;
  end if;

  perform from rowbell.tasks t where t.id = any (children) order by t.id for update;
  perform rowbell.cancel_children(array(
    select d.child from rowbell.dependencies d
    join rowbell.tasks c on c.id = d.child
    left join rowbell.tasks p on p.id = d.parent
    where d.parent is not null and d.parent = any (finished)
      and ((p.id is null and c.after_failure <> 'run')
        or (p.status in ('FAILED', 'CANCELLED') and c.after_failure = 'cancel'))), at);
  delete from rowbell.dependencies d
  using rowbell.tasks c
  where d.parent is not null and d.parent = any (finished) and c.id = d.child
    and (c.after_failure = 'run'
      or exists (select from rowbell.tasks p where p.id = d.parent and p.status = 'COMPLETED'));
  update rowbell.tasks t set parents = 'met'
  where t.id = any (children) and t.status = 'PENDING' and t.parents = 'open'
    and not exists (select from rowbell.dependencies d where d.child = t.id);
end $$;
comment on function rowbell.meet(bigint[], timestamptz) is
  'For the functions that make tasks final: lets the tasks run that waited for these, or cancels them, as their after_failure says.';
