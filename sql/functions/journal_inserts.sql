create or replace function rowbell.journal_inserts()
returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  role_name   text := session_user;
  application text := current_setting('application_name');
  subject     text := nullif(current_setting('rowbell.subject', true), '');
begin
  insert into rowbell.journal (at, task_id, worker, event, status, attempt, kind, queue, role, application, subject, created_by, audience)
  select clock_timestamp(), i.id, i.worker, 'CREATED', i.status, i.attempt, i.kind, i.queue,
    role_name, application, subject, i.created_by, nullif(i.audience, '{}')
  from inserted i;
  perform rowbell.tell_watchers();
  return null;
end $$;
comment on function rowbell.journal_inserts() is 'Trigger function: writes inserted tasks into rowbell.journal.';
