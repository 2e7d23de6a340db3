-- A crash forgets what was not flushed yet, for example that a transaction was aborted, and gives its number
-- out again. A snapshot that held it for finished would then hide the events of the new one. So a snapshot
-- is not handed out before what it holds for finished is on disk: the COMMIT that follows sees to that.
create or replace function rowbell.flush_finished()
returns void language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  if pg_current_wal_flush_lsn() < pg_current_wal_insert_lsn() then
    if current_setting('synchronous_commit') = 'off' then
      perform set_config('synchronous_commit', 'local', true);
    end if;
    perform pg_logical_emit_message(true, 'rowbell', '');
  end if;
end $$;
comment on function rowbell.flush_finished() is 'For readers of the journal: makes the COMMIT of this transaction flush all that is finished by now, if it is not on disk yet.';
