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
  now() - w.beat_at as last_beat, w.started_at, coalesce(w.stopped_at, w.lost_at) as ended_at, w.clock_ahead
from rowbell.workers w;
comment on view rowbell.worker_overview is 'One line a worker, with a word for its state. Workers that ended are kept for a day.';
comment on column rowbell.worker_overview.id is 'As in rowbell.workers.';
comment on column rowbell.worker_overview.host is 'Name of the machine.';
comment on column rowbell.worker_overview.process is 'Process id on that machine.';
comment on column rowbell.worker_overview.version is 'Version of Rowbell.';
comment on column rowbell.worker_overview.state is 'running, draining (claims no more), silent (longer than its lease: the next sweep takes its tasks), lost, or stopped.';
comment on column rowbell.worker_overview.queues is 'Queues that it serves; {*} is every queue.';
comment on column rowbell.worker_overview.kinds is 'Kinds that it knows.';
comment on column rowbell.worker_overview.slots is 'Tasks that it runs at once.';
comment on column rowbell.worker_overview.busy is 'Tasks that it ran at its last beat.';
comment on column rowbell.worker_overview.last_beat is 'How long ago it said that it lives.';
comment on column rowbell.worker_overview.started_at is 'When it registered.';
comment on column rowbell.worker_overview.ended_at is 'When it signed off, or was found silent.';
comment on column rowbell.worker_overview.clock_ahead is 'How far its clock is ahead of the server''s.';
