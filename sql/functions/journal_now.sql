create or replace function rowbell.journal_now(out place text, out snapshot pg_snapshot)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  place := rowbell.journal_place();
  snapshot := pg_current_snapshot();
  perform rowbell.flush_finished();
end $$;
comment on function rowbell.journal_now() is 'Where the journal stands: a snapshot for rowbell.read_journal, and the history that it belongs to.';
