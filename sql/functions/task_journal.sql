create or replace function rowbell.task_journal(of_task bigint, most integer default 500)
returns setof rowbell.journal language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set jit = off as $$
begin
  return query select j.* from rowbell.journal j where j.task_id = of_task order by j.id limit most;
end $$;
comment on function rowbell.task_journal(bigint, integer) is
  'What the journal tells of one task, oldest first: who inserted it, who claimed it and why, how it ended. In milliseconds, however long the journal is.';
