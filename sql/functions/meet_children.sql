create or replace function rowbell.meet_children(ended bigint[], batches text[])
returns void language plpgsql volatile as $$
declare
  children bigint[];
begin
  with gone as (
    delete from rowbell.dependencies d
    using rowbell.tasks c
    where d.parent is not null and d.parent = any (ended) and c.id = d.child
      and (c.after_failure = 'run' or exists (
        select from rowbell.tasks p where p.id = d.parent and p.status = 'COMPLETED'))
    returning d.child),
  done as (
    delete from rowbell.dependencies d
    where d.batch is not null and d.batch = any (batches)
      and not exists (
        select from rowbell.tasks t
        where t.batch is not null and t.batch = d.batch and t.status in ('PENDING', 'PROCESSING'))
    returning d.child)
  select array_agg(m.child) into children from (select * from gone union select * from done) m;

  update rowbell.tasks t set parents = 'met'
  where t.id = any (children) and t.status = 'PENDING' and t.parents = 'open'
    and not exists (select from rowbell.dependencies d where d.child = t.id);
end $$;
comment on function rowbell.meet_children(bigint[], text[]) is
  'For rowbell.meet: lets the tasks run whose last parent or batch these were. Their rows are locked.';
