drop view if exists rowbell.worker_overview;
create view rowbell.worker_overview as
select
  w.id, w.host, w.process, w.version,
  case when w.stopped_at is not null then 'stopped'
       when w.lost_at is not null then 'lost'
       when w.beat_at + w.lease < now() then 'silent'
       when w.draining_at is not null then 'draining'
       else 'running' end as state,
  w.queues, w.kinds, w.slots, w.busy,
  now() - w.beat_at as last_beat, w.started_at, coalesce(w.stopped_at, w.lost_at) as ended_at
from rowbell.workers w;
comment on view rowbell.worker_overview is 'One line a worker, with a word for its state. Workers that ended are kept for a day.';
