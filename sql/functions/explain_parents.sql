create or replace function rowbell.explain_parents(task rowbell.tasks)
returns table (reason text)
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
begin
  if (task.after is null and task.after_batch is null) or task.parents = 'met' then
    return;
  elsif task.parents is null then
    return query select 'It has parents: the next claim of its queue looks at them.'::text;
    return;
  end if;
  return query
  select case when p.status in ('FAILED', 'CANCELLED')
    then format('It waits for task %s (%s), which is %s: select rowbell.retry(%s), or cancel this one.', d.parent, p.kind, p.status, d.parent)
    else format('It waits for task %s (%s), which is %s: select * from rowbell.explain(%s)', d.parent, p.kind, coalesce(p.status::text, 'gone'), d.parent) end
  from rowbell.dependencies d left join rowbell.tasks p on p.id = d.parent
  where d.child = task.id and d.parent is not null
  order by d.parent limit 10;
  return query
  select format('It waits for batch %s: of its %s %s not final yet.', b.batch, rowbell.many(b.tasks, 'task'), rowbell.many(b.pending + b.running, 'is', 'are'))
  from rowbell.batch_overview b where b.batch = task.after_batch;
end $$;
comment on function rowbell.explain_parents(rowbell.tasks) is 'For rowbell.explain: what a PENDING task waits for by after and after_batch; ten parents at the most.';
