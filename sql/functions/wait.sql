-- A procedure, for only a procedure may COMMIT: each look is a transaction of its own, so that it sees what
-- is new, and that nothing holds a snapshot, which would hold back vacuum, for longer than a second.
-- No SET and no SECURITY DEFINER: with either PostgreSQL allows no COMMIT. So every name is qualified.
create or replace procedure rowbell.wait(
  in task_id bigint, in timeout interval default '1 minute',
  inout status rowbell.task_status default null, inout result jsonb default null, inout error jsonb default null)
language plpgsql as $$
declare
  began   timestamptz := pg_catalog.clock_timestamp();
  elapsed double precision := 0;
  most    double precision := extract(epoch from wait.timeout);
begin
  loop
    select t.status, t.result, t.error into wait.status, wait.result, wait.error from rowbell.tasks t where t.id operator(pg_catalog.=) task_id;
    if not found then
      raise exception using errcode = 'RB404', message = pg_catalog.format('there is no task %s', task_id),
        hint = 'Finished tasks are deleted after the retention.';
    end if;
    elapsed := extract(epoch from pg_catalog.clock_timestamp() operator(pg_catalog.-) began);
    exit when wait.status operator(pg_catalog.>=) 'COMPLETED'::rowbell.task_status or elapsed >= most;
    commit;
    perform pg_catalog.pg_sleep(least(1, 0.02 + elapsed / 10, most - elapsed));
    commit;
  end loop;
end $$;
comment on procedure rowbell.wait(bigint, interval, rowbell.task_status, jsonb, jsonb) is
  'Waits until a task is final, or for so long, and tells its status, result and error: call rowbell.wait(42, ''30 s''). The answer is a tenth of the time late, a second at the most. Not within BEGIN: there PostgreSQL says "invalid transaction termination".';
