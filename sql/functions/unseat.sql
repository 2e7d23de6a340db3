-- A process that stands still (SIGSTOP, a frozen machine) keeps its connections, and the chair with them: nobody
-- else would hear a bell. Only a session that holds a chair is ended, for its number may be somebody else's by now.
create or replace function rowbell.unseat(session integer)
returns boolean language plpgsql volatile as $$
begin
  return exists (
      select from pg_locks k
      where k.pid = session and k.locktype = 'advisory' and k.classid = 1919907686 and k.objsubid = 2 and k.granted
        and k.database = (select d.oid from pg_database d where d.datname = current_database()))
    and pg_terminate_backend(session);
exception when insufficient_privilege then
  return false;  -- of another role; rowbell.health says what to do
end $$;
comment on function rowbell.unseat(integer) is
  'For rescue: ends the session of a lost worker that answers the bell still, so that another one does.';
