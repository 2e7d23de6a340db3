-- rowbell.attention is built on the conditions of rowbell.health, which tell more of themselves for it:
-- functions cannot change what they return, so they are made anew.
drop view if exists rowbell.health;
drop function if exists rowbell.health_of_queues(), rowbell.health_of_workers(), rowbell.health_of_schedules(), rowbell.health_of_journal(), rowbell.health_of_sessions(), rowbell.health_of_settings(), rowbell.health_of_tables();
drop function if exists rowbell.attention_workers(timestamptz);
