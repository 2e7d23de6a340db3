-- Who is on duty for a queue holds its chair: an advisory lock ("rowj", hash of the name), exclusively.
drop view if exists rowbell.duty_overview;
create view rowbell.duty_overview as
with names as (
  select q.name from rowbell.queues q
  union select t.queue from rowbell.totals t
  union select u.queue from rowbell.workers w, unnest(w.queues) u (queue) where w.stopped_at is null and w.lost_at is null and u.queue <> '*'
  union select 'default')
select n.name as queue, l.pid, a.application_name as application,
  (select w.id from rowbell.workers w
   where w.stopped_at is null and w.lost_at is null and a.application_name ~ format('\m%s$', w.id)
   order by w.id desc limit 1) as worker
from names n
join pg_catalog.pg_locks l on l.locktype = 'advisory' and l.classid = 1919907690 and l.objsubid = 2
  and l.objid = (hashtext(n.name)::bigint & 4294967295)::oid and l.mode = 'ExclusiveLock' and l.granted
  and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
left join pg_catalog.pg_stat_activity a on a.pid = l.pid;
comment on view rowbell.duty_overview is 'Who answers the bell of each queue at this moment.';
comment on column rowbell.duty_overview.queue is 'Name of the queue.';
comment on column rowbell.duty_overview.pid is 'The process in the server that holds its chair.';
comment on column rowbell.duty_overview.application is 'Its application_name.';
comment on column rowbell.duty_overview.worker is 'Which of rowbell.workers that is.';
