create or replace function rowbell.cancel_children(doomed bigint[], at timestamptz default now())
returns void language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  cancelled bigint[];
begin
  if coalesce(cardinality(doomed), 0) = 0 then
    return;
  end if;
  with mine as (
    update rowbell.tasks t
    set status = 'CANCELLED', finished_at = at,
        error = jsonb_build_object('type', 'ParentFailed', 'retryable', true, 'at', at, 'message', (
          select format('task %s, which has to be COMPLETED first, %s', wanted.parent,
                        coalesce('is ' || p.status, 'does not exist'))
          from unnest(t.after) wanted (parent) left join rowbell.tasks p on p.id = wanted.parent
          where p.id is null or p.status in ('FAILED', 'CANCELLED')
          order by wanted.parent limit 1))
    where t.id = any (doomed) and t.status = 'PENDING'
    returning t.id)
  select array_agg(mine.id) into cancelled from mine;
  delete from rowbell.dependencies d where d.child = any (cancelled);
  perform rowbell.meet(cancelled, at);  -- their children in turn
end $$;
comment on function rowbell.cancel_children(bigint[], timestamptz) is
  'For rowbell.meet and rowbell.see_parents: cancels tasks whose parent has failed, and so on down.';
