-- Written before the outcome, while the attempt still holds its task: what is refused here would be
-- refused there. An outcome that does not follow is mended by whatever ends the attempt instead.
create or replace function rowbell.keep_lines(
  ids bigint[], attempts integer[], outcomes text[], lines text[], at timestamptz default now())
returns void language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
begin
  insert into rowbell.attempts (task_id, attempt, worker, started_at, ended_at, outcome, lines)
  select t.id, t.attempt, t.worker, t.started_at, at, given.outcome, given.lines::jsonb
  from unnest(ids, attempts, outcomes, lines) given (id, attempt, outcome, lines)
  join rowbell.tasks t on t.id = given.id and t.attempt = given.attempt
  -- COMPLETED: by the handler itself, in its transaction.
  where t.status::text in ('PROCESSING', 'COMPLETED')
  on conflict (task_id, attempt) do update set lines = excluded.lines;
end $$;
comment on function rowbell.keep_lines(bigint[], integer[], text[], text[], timestamptz) is
  'For workers: keeps the lines (a JSON array each) that attempts wrote, just before their outcomes are written.';
