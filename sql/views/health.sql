drop view if exists rowbell.health;
create view rowbell.health as
select f.severity, f.topic, f.sentence, f.remedy, f.remedy_in
from (
  select * from rowbell.health_of_triggers()
  union all select * from rowbell.health_of_queues()
  union all select * from rowbell.health_of_workers()
  union all select * from rowbell.health_of_schedules()
  union all select * from rowbell.health_of_journal()
  union all select * from rowbell.health_of_sessions()
  union all select * from rowbell.health_of_settings()
  union all select * from rowbell.health_of_tables()) f
order by array_position(array['problem', 'warning', 'note'], f.severity), f.topic, f.sentence;
comment on view rowbell.health is 'What is wrong, or may go wrong, worst first; empty is good. `rowbell doctor` says the same, and tries the bell besides.';
comment on column rowbell.health.severity is 'problem: tasks wait or are at risk. warning: they may soon. note: good to know.';
comment on column rowbell.health.topic is 'What it is about, in a word that stays the same.';
comment on column rowbell.health.sentence is 'What is wrong, with names and numbers.';
comment on column rowbell.health.remedy is 'What to paste to mend it; null: nothing to do, or the sentence says it.';
comment on column rowbell.health.remedy_in is 'Where to paste it: psql or shell.';
