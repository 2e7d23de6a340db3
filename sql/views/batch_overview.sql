drop view if exists rowbell.batch_overview;
create view rowbell.batch_overview as
select
  t.batch,
  count(*)                                                                       as tasks,
  count(*) filter (where t.status = 'PENDING')                                   as pending,
  count(*) filter (where t.status = 'PROCESSING')                                as running,
  count(*) filter (where t.status = 'COMPLETED')                                 as completed,
  count(*) filter (where t.status = 'FAILED')                                    as failed,
  count(*) filter (where t.status = 'CANCELLED')                                 as cancelled,
  (count(*) filter (where t.status not in ('PENDING', 'PROCESSING')))::real / count(*) as progress
from rowbell.tasks t
where t.batch is not null
group by t.batch;
comment on view rowbell.batch_overview is 'One line a batch, by the status of its tasks. Add where batch = …. Tasks that were deleted after the retention are not counted.';
comment on column rowbell.batch_overview.batch is 'As in rowbell.tasks.';
comment on column rowbell.batch_overview.tasks is 'Tasks of the batch.';
comment on column rowbell.batch_overview.pending is 'Those that wait.';
comment on column rowbell.batch_overview.running is 'Those that run.';
comment on column rowbell.batch_overview.completed is 'Those that are COMPLETED.';
comment on column rowbell.batch_overview.failed is 'Those that are FAILED.';
comment on column rowbell.batch_overview.cancelled is 'Those that are CANCELLED.';
comment on column rowbell.batch_overview.progress is 'How many of them are final, 0 to 1.';
