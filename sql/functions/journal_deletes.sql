create or replace function rowbell.journal_deletes()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  role_name   text := session_user;
  application text := current_setting('application_name');
  subject     text := nullif(current_setting('rowbell.subject', true), '');
begin
  insert into rowbell.journal (at, task_id, worker, event, status_before, attempt, kind, queue, role, application, subject, created_by, audience)
  select clock_timestamp(), d.id, d.worker, 'DELETED', d.status, d.attempt, d.kind, d.queue,
    role_name, application, subject, d.created_by, nullif(d.audience, '{}')
  from deleted d;
  perform rowbell.tell_watchers();
  return null;
end $$;
comment on function rowbell.journal_deletes() is 'Trigger function: writes deleted tasks into rowbell.journal.';
