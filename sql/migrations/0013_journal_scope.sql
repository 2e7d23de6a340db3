-- It has more parameters now: sql/functions/read_journal.sql.
drop function if exists rowbell.read_journal(pg_snapshot, pg_snapshot, bigint, integer, text);
