-- The one place where it is decided; rowbell.viewer.Viewer.sees says the same of what is in memory.
-- Plain SQL, so that the planner sees through it to the indexes.
create or replace function rowbell.may_see(
  created_by text, audience text[], subject text, audiences text[], role text)
returns boolean language sql immutable parallel safe as $$
  select role in ('admin', 'operator') or created_by = subject or (audience <> '{}' and audience && audiences)
$$;
comment on function rowbell.may_see(text, text[], text, text[], text) is
  'Whether a caller of the API (subject, audiences, role) may see a task (created_by, audience). Null is as good as false.';
