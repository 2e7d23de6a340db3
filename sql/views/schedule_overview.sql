drop view if exists rowbell.schedule_overview;
create view rowbell.schedule_overview as
select
  s.name, s.kind,
  case
    when s.paused_at is not null then 'paused'
    when s.problem is not null then 'unreadable'
    when s.source = 'code' and s.declared_at <= now() - interval '1 day' then 'undeclared'
    when s.next_run_at is null then 'new'
    when s.next_run_at < now() - interval '1 minute' then 'overdue'
    else 'active' end                                          as state,
  s.cron, s.every, s.time_zone, s.missed,
  s.next_run_at, s.next_run_at at time zone s.time_zone        as next_run_local,
  s.last_run_at, s.last_task, t.status::text                   as last_status,
  t.finished_at - t.started_at                                 as last_ran,
  t.error ->> 'message'                                        as last_error,
  s.problem, s.queue, s.description, s.source, s.paused_by, s.created_by
from rowbell.schedules s
left join rowbell.tasks t on t.id = s.last_task;
comment on view rowbell.schedule_overview is 'One line a schedule: its next run, its last one, and how the last task ended.';
comment on column rowbell.schedule_overview.name is 'As in rowbell.schedules.';
comment on column rowbell.schedule_overview.kind is 'As in rowbell.schedules.';
comment on column rowbell.schedule_overview.state is 'active, paused, unreadable (see problem), undeclared (no worker has had it in its code for a day), new (no worker has looked at it yet), or overdue (no worker runs).';
comment on column rowbell.schedule_overview.cron is 'As in rowbell.schedules.';
comment on column rowbell.schedule_overview.every is 'As in rowbell.schedules.';
comment on column rowbell.schedule_overview.time_zone is 'As in rowbell.schedules.';
comment on column rowbell.schedule_overview.missed is 'As in rowbell.schedules.';
comment on column rowbell.schedule_overview.next_run_at is 'When it enqueues the next task, unless it is paused.';
comment on column rowbell.schedule_overview.next_run_local is 'What the clocks of its time zone show then.';
comment on column rowbell.schedule_overview.last_run_at is 'The run that was enqueued last.';
comment on column rowbell.schedule_overview.last_task is 'Its task.';
comment on column rowbell.schedule_overview.last_status is 'Where that stands, or how it ended. Null: there was none, or it was deleted after the retention.';
comment on column rowbell.schedule_overview.last_ran is 'How long its last attempt took.';
comment on column rowbell.schedule_overview.last_error is 'What was raised last.';
comment on column rowbell.schedule_overview.problem is 'Why there is no next run, in words.';
comment on column rowbell.schedule_overview.queue is 'As in rowbell.schedules.';
comment on column rowbell.schedule_overview.description is 'As in rowbell.schedules.';
comment on column rowbell.schedule_overview.source is 'sql: people keep it. code: it is kept in step with @task.';
comment on column rowbell.schedule_overview.paused_by is 'Who paused it.';
comment on column rowbell.schedule_overview.created_by is 'Who asked for it.';
