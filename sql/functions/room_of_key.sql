-- In SQL, and without settings of its own, so that it becomes part of the statement that asks.
create or replace function rowbell.room_of_key(key text, per_key integer)
returns bigint language sql stable as $$
  select l.most - (
    select count(*) from (
      select from rowbell.tasks t
      where t.status = 'PROCESSING' and t.concurrency_key is not null and t.concurrency_key = key
      limit l.most) r)
  from (select coalesce((select k.max_running from rowbell.keys k where k.name = key), per_key) as most) l
$$;
comment on function rowbell.room_of_key(text, integer) is
  'How many tasks of a concurrency_key may be started now; per_key: how many may run unless rowbell.keys says otherwise.';
