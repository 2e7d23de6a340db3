create or replace function rowbell.meet_missed(at timestamptz default now())
returns bigint language plpgsql volatile
set enable_bitmapscan = off set jit = off
as $$
declare
  missed bigint[];
begin
  delete from rowbell.dependencies d
  where not exists (select from rowbell.tasks c where c.id = d.child and c.status = 'PENDING');
  missed := array(
    select distinct d.parent from rowbell.dependencies d
    join rowbell.tasks c on c.id = d.child
    left join rowbell.tasks p on p.id = d.parent
    where d.parent is not null
      and (p.id is null or p.status = 'COMPLETED' or (p.status in ('FAILED', 'CANCELLED') and c.after_failure <> 'wait'))
    limit 1000);
  missed := missed || array(
    select min(b.id) from rowbell.dependencies d
    join rowbell.tasks b on b.batch = d.batch and b.batch is not null
    where d.batch is not null
    group by d.batch having not bool_or(b.status in ('PENDING', 'PROCESSING'))
    limit 1000);
  delete from rowbell.dependencies d
  where d.batch is not null and not exists (select from rowbell.tasks b where b.batch = d.batch and b.batch is not null);
  update rowbell.tasks t set parents = 'met'
  where t.status = 'PENDING' and t.parents = 'open'
    and (t.after is not null or t.after_batch is not null)
    and not exists (select from rowbell.dependencies d where d.child = t.id);
  perform rowbell.meet(missed, at);
  return cardinality(missed);
end $$;
comment on function rowbell.meet_missed(timestamptz) is
  'For sweeps: lets tasks run (or cancels them) whose parents were finished or deleted by other means than the functions of Rowbell. Returns how many parents that were.';
