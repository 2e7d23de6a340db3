-- The conditions are those of rowbell.health; here is which of them the operations page shows, and where.
create or replace function rowbell.attention(at timestamptz default now())
returns table (id text, severity text, topic text, sentence text, remedy text, remedy_kind text, view text, filter jsonb, since timestamptz)
language plpgsql stable as $$
begin
  return query
  with shown (condition, topic, view) as (values
    ('worker.none', 'no_worker', 'WORKERS'), ('kind.unknown', 'no_worker', 'TASKS'), ('queue.unserved', 'no_worker', 'TASKS'),
    ('queue.paused', 'queue_paused', 'TASKS'), ('limit.full', 'limited', 'TASKS'), ('workers.full', 'backlog', 'TASKS'),
    ('schedule.unreadable', 'schedule', 'SCHEDULES'), ('schedule.overdue', 'schedule', 'SCHEDULES'), ('schedule.undeclared', 'schedule', 'SCHEDULES'),
    ('worker.silent', 'worker_silent', 'WORKERS'), ('worker.lost', 'worker_lost', 'WORKERS'), ('worker.clock', 'worker_clock', 'WORKERS'),
    ('worker.deaf', 'listener_deaf', 'BELL'), ('worker.unheard', 'listener_lost', 'BELL'), ('worker.chair', 'worker_chair', 'BELL'),
    ('worker.swept', 'bell_missed', 'BELL'), ('trigger', 'trigger', 'BELL'), ('notify.queue', 'notify_queue', 'BELL'),
    ('session.snapshot', 'snapshot', 'DATABASE'), ('session.prepared', 'snapshot', 'DATABASE'), ('replication.slot', 'snapshot', 'DATABASE'),
    ('journal.partitions', 'journal_partition', 'DATABASE'), ('setting.max_connections', 'connections', 'DATABASE'),
    ('connections.limit', 'connections', 'DATABASE'), ('autovacuum.behind', 'dead_rows', 'DATABASE'),
    ('autovacuum.off', 'autovacuum', 'DATABASE'), ('setting.autovacuum', 'autovacuum', 'DATABASE'),
    ('index.invalid', 'index', 'DATABASE'), ('table.unlogged', 'table', 'DATABASE'), ('table.hidden', 'table', 'DATABASE'),
    ('sequence.behind', 'sequence', 'DATABASE'), ('sequence.end', 'sequence', 'DATABASE')),
  found as (
    select concat_ws(' ', s.topic, c.about) as id,
      case c.severity when 'problem' then 'CRITICAL' when 'warning' then 'WARNING' else 'NOTICE' end as severity, s.topic, c.sentence, c.remedy,
      case c.remedy_in when 'psql' then 'SQL' when 'shell' then 'COMMAND' end as remedy_kind, s.view, c.filter, c.since
    from (
      select * from rowbell.health_of_triggers(attention.at)
      union all select * from rowbell.health_of_queues(attention.at)
      union all select * from rowbell.health_of_workers(attention.at)
      union all select * from rowbell.health_of_schedules(attention.at)
      union all select * from rowbell.health_of_journal(attention.at)
      union all select * from rowbell.health_of_sessions(attention.at)
      union all select * from rowbell.health_of_settings(attention.at)
      union all select * from rowbell.health_of_tables(attention.at)) c
    join shown s on s.condition = c.topic
    -- Nobody waits for a worker: an API may stand alone.
    where c.topic <> 'worker.none' or c.severity = 'problem'
    union all
    select * from rowbell.attention_tasks(attention.at))
  select f.* from found f
  order by case f.severity when 'CRITICAL' then 1 when 'WARNING' then 2 else 3 end, f.id;
end $$;
comment on function rowbell.attention(timestamptz) is
  'What needs somebody, the worst first: a sentence each, with the SQL or the command that mends it, and where on the operations page to look. The conditions of rowbell.health that concern who watches, and tasks that failed for good.';
