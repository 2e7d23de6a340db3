create or replace function rowbell.cancel_children(doomed bigint[], at timestamptz default now())
returns void language plpgsql volatile as $$
begin
  update rowbell.tasks t
  set status = 'CANCELLED', finished_at = at,
      error = jsonb_build_object('type', 'ParentFailed', 'retryable', true, 'at', at, 'message', (
        select format('task %s, which has to be COMPLETED first, %s', wanted.parent,
                      case when p.id is null then 'does not exist'
                           when p.status in ('FAILED', 'CANCELLED') then 'is ' || p.status else 'is CANCELLED' end)
        from unnest(t.after) wanted (parent) left join rowbell.tasks p on p.id = wanted.parent
        where p.id is null or p.status in ('FAILED', 'CANCELLED') or p.id = any (doomed)
        order by wanted.parent limit 1))
  where t.id = any (doomed) and t.status = 'PENDING';
  delete from rowbell.dependencies d where d.child = any (doomed);
end $$;
comment on function rowbell.cancel_children(bigint[], timestamptz) is
  'For rowbell.meet and rowbell.see_parents: cancels tasks whose parent has failed, and says which.';
