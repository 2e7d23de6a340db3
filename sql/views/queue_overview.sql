drop view if exists rowbell.queue_overview;
create view rowbell.queue_overview as
-- Never counts what may be many: waiting rows are found group by group (queue, kind, priority), and counted up
-- to a thousand in each; what ended is read from what sweeps have counted.
with recursive plain as (
  (select t.queue, t.kind, t.priority, t.run_at from rowbell.tasks t
   where t.status = 'PENDING' and t.concurrency_key is null and ((t.after is null and t.after_batch is null) or t.parents = 'met')
   order by t.queue, t.kind, t.priority, t.run_at limit 1)
  union all
  select n.* from plain p cross join lateral (
    select t.queue, t.kind, t.priority, t.run_at from rowbell.tasks t
    where t.status = 'PENDING' and t.concurrency_key is null and ((t.after is null and t.after_batch is null) or t.parents = 'met')
      and (t.queue, t.kind, t.priority) > (p.queue, p.kind, p.priority)
    order by t.queue, t.kind, t.priority, t.run_at limit 1) n),
keyed as (
  (select t.queue, t.kind, t.priority, t.run_at from rowbell.tasks t
   where t.status = 'PENDING' and t.concurrency_key <> '' and ((t.after is null and t.after_batch is null) or t.parents = 'met')
   order by t.queue, t.kind, t.priority, t.run_at limit 1)
  union all
  select n.* from keyed p cross join lateral (
    select t.queue, t.kind, t.priority, t.run_at from rowbell.tasks t
    where t.status = 'PENDING' and t.concurrency_key <> '' and ((t.after is null and t.after_batch is null) or t.parents = 'met')
      and (t.queue, t.kind, t.priority) > (p.queue, p.kind, p.priority)
    order by t.queue, t.kind, t.priority, t.run_at limit 1) n),
groups as (
  select p.queue, p.run_at, d.due, l.later from plain p
  cross join lateral (select count(*) as due from (
    select from rowbell.tasks t
    where t.queue = p.queue and t.kind = p.kind and t.priority = p.priority and t.run_at <= now()
      and t.status = 'PENDING' and t.concurrency_key is null and ((t.after is null and t.after_batch is null) or t.parents = 'met') limit 1000) c) d
  cross join lateral (select count(*) as later from (
    select from rowbell.tasks t
    where t.queue = p.queue and t.kind = p.kind and t.priority = p.priority and t.run_at > now()
      and t.status = 'PENDING' and t.concurrency_key is null and ((t.after is null and t.after_batch is null) or t.parents = 'met') limit 1000) c) l
  union all
  select p.queue, p.run_at, d.due, l.later from keyed p
  cross join lateral (select count(*) as due from (
    select from rowbell.tasks t
    where t.queue = p.queue and t.kind = p.kind and t.priority = p.priority and t.run_at <= now()
      and t.status = 'PENDING' and t.concurrency_key <> '' and ((t.after is null and t.after_batch is null) or t.parents = 'met') limit 1000) c) d
  cross join lateral (select count(*) as later from (
    select from rowbell.tasks t
    where t.queue = p.queue and t.kind = p.kind and t.priority = p.priority and t.run_at > now()
      and t.status = 'PENDING' and t.concurrency_key <> '' and ((t.after is null and t.after_batch is null) or t.parents = 'met') limit 1000) c) l),
waiting as (
  select g.queue, sum(g.due)::bigint as due, sum(g.later)::bigint as scheduled, min(g.run_at) as oldest_run_at,
    bool_or(g.due = 1000) as many_are_due
  from groups g group by g.queue),
held as (
  select h.queue, count(*) as held from (
    (select t.queue from rowbell.tasks t where t.status = 'PENDING' and t.parents = 'open' limit 10000)
    union all
    (select t.queue from rowbell.tasks t
     where t.status = 'PENDING' and (t.after is not null or t.after_batch is not null) and t.parents is null limit 10000)) h
  group by h.queue),
running as (
  select t.queue, count(*) as running from rowbell.tasks t where t.status = 'PROCESSING' group by t.queue),
pending as (
  select t.queue, sum(t.tasks) as pending from rowbell.totals t where t.status = 'PENDING' group by t.queue),
last_hour as (
  select m.queue, sum(m.completed) as completed_last_hour, sum(m.failed) as failed_last_hour
  from rowbell.minutes m where m.minute > now() - interval '1 hour' group by m.queue),
names as (
  select queue from waiting union select queue from held union select queue from running union select queue from last_hour union select name from rowbell.queues)
select
  n.queue, q.paused_at is not null as is_paused, q.paused_at, q.paused_by,
  greatest(coalesce(w.due, 0), case when w.many_are_due then
    (coalesce(e.pending, 0) - coalesce(w.scheduled, 0) - coalesce(p.held, 0))::bigint end) as due, coalesce(w.scheduled, 0) as scheduled, coalesce(p.held, 0) as held, coalesce(r.running, 0) as running,
  q.max_running, q.rate,
  case when w.oldest_run_at <= now() then now() - w.oldest_run_at end as oldest_due_for,
  coalesce(h.completed_last_hour, 0) as completed_last_hour, coalesce(h.failed_last_hour, 0) as failed_last_hour
from names n
left join waiting w using (queue)
left join held p using (queue)
left join running r using (queue)
left join pending e using (queue)
left join last_hour h using (queue)
left join rowbell.queues q on q.name = n.queue;
comment on view rowbell.queue_overview is 'One line a queue: what is due, scheduled and running, and what ended in the last hour. Takes some index probes for each kind and priority, however many tasks wait.';
comment on column rowbell.queue_overview.queue is 'Name of the queue.';
comment on column rowbell.queue_overview.is_paused is 'True: nothing of it is claimed. select rowbell.resume(queue) ends that.';
comment on column rowbell.queue_overview.paused_at is 'Since when.';
comment on column rowbell.queue_overview.paused_by is 'Who paused it.';
comment on column rowbell.queue_overview.due is 'Tasks that could run now. A thousand or more of one kind and priority: as sweeps have counted last, some seconds ago.';
comment on column rowbell.queue_overview.scheduled is 'Tasks for later, retries among them; counted up to a thousand of each kind and priority.';
comment on column rowbell.queue_overview.held is 'Tasks that wait for their parents or for a batch; counted up to ten thousand.';
comment on column rowbell.queue_overview.max_running is 'Most that run at once; null: no limit.';
comment on column rowbell.queue_overview.rate is 'Most that are started a second, on average; null: no limit.';
comment on column rowbell.queue_overview.running is 'Tasks that run now.';
comment on column rowbell.queue_overview.oldest_due_for is 'How long the oldest due task has been waiting.';
comment on column rowbell.queue_overview.completed_last_hour is 'Tasks that became COMPLETED in the last hour, as sweeps have counted, up to some seconds ago.';
comment on column rowbell.queue_overview.failed_last_hour is 'Tasks that became FAILED in the last hour, as sweeps have counted, up to some seconds ago.';
