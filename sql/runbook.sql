-- What to ask when something is stuck. Run all of it: rowbell psql -- -f sql/runbook.sql
-- Or paste what you need. Nothing here changes a row; rowbell_reader may run it.
\set QUIET on
\pset pager off
\pset null '-'

\echo '== What is wrong, worst first (empty is good)'
select severity, topic, sentence, remedy, remedy_in from rowbell.health;

\echo '== Who works, and who has fallen silent'
select id, host, process, version, state, queues, slots, busy, last_beat from rowbell.worker_overview order by started_at desc limit 20;

\echo '== What is due, by queue and kind, and since when'
select queue, kind, due_since, now() - due_since as due_for, is_limited from rowbell.waiting_queues() order by due_since limit 50;

\echo '== Why the ten oldest due tasks do not run'
select d.id, d.kind, d.queue, d.due_for, e.reason
from (select t.id, t.kind, t.queue, now() - t.run_at as due_for from rowbell.tasks t
      where t.status = 'PENDING' and t.run_at <= now() and t.concurrency_key is null and ((t.after is null and t.after_batch is null) or t.parents = 'met')
      order by t.queue, t.kind, t.priority, t.run_at, t.id limit 10) d
cross join lateral rowbell.explain(d.id) e order by d.id;

\echo '== What runs for the longest'
select id, kind, queue, state, ran, attempt, worker_process from rowbell.task_overview where status = 'PROCESSING' order by ran desc limit 20;

\echo '== What failed last'
select id, kind, finished_at, failures, error_type, left(error_message, 80) as error_message from rowbell.failed_tasks order by finished_at desc limit 20;

\echo '== The last hour in minutes: rising "created" without "completed" is a backlog'
select minute, sum(created) as created, sum(started) as started, sum(completed) as completed, sum(failed) as failed, sum(lost) as lost
from rowbell.minutes where minute > now() - interval '1 hour' group by minute order by minute desc limit 60;

\echo '== Limits and pauses'
select name, paused_at, paused_by, max_running, rate, burst from rowbell.queues where paused_at is not null or max_running is not null or rate is not null order by name;
select name, max_running, max_running_per_key, rate, burst from rowbell.kinds where max_running is not null or max_running_per_key is not null or rate is not null order by name;

\echo '== Schedules'
select name, state, next_run_at, last_status, last_error, problem from rowbell.schedule_overview order by next_run_at limit 50;

\echo '== Sessions of the service: one "rowbell listener" a process'
select pid, application_name, state, now() - backend_start as connected_for, wait_event_type, wait_event
from pg_stat_activity where application_name like 'rowbell%' order by application_name, pid;

\echo '== The oldest transactions of this database'
select pid, application_name, usename, state, now() - xact_start as open_for, left(query, 80) as query
from pg_stat_activity where datname = current_database() and xact_start is not null and pid <> pg_backend_pid() order by xact_start limit 10;

\echo '== Who waits for whose lock'
select a.pid, pg_blocking_pids(a.pid) as behind, a.application_name, now() - a.state_change as waits_for, left(a.query, 80) as query
from pg_stat_activity a where a.datname = current_database() and cardinality(pg_blocking_pids(a.pid)) > 0 order by 4 desc;

\echo '== The queue of notifications: 0 is good, at 1 commits fail'
select pg_notification_queue_usage();

\echo '== Sizes, dead rows, vacuum'
select s.relname, pg_size_pretty(pg_total_relation_size(s.relid)) as size, s.n_live_tup, s.n_dead_tup, greatest(s.last_autovacuum, s.last_vacuum) as vacuumed_at
from pg_stat_user_tables s where s.schemaname = 'rowbell' order by pg_total_relation_size(s.relid) desc limit 15;

\echo '== What was done by hand in the last day'
select at, event, task_id, role, application, subject, detail from rowbell.journal
where at > now() - interval '1 day' and application not like 'rowbell%' and event in ('UPDATED', 'DELETED', 'CANCELLED', 'REOPENED') order by id desc limit 20;

\unset QUIET
