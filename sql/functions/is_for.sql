-- The one place where it is decided; rowbell.viewer.Viewer.sees says the same of what is in memory.
-- Plain SQL, so that the planner sees through it to the indexes of both halves.
create or replace function rowbell.is_for(created_by text, audience text[], subject text, audiences text[])
returns boolean language sql immutable parallel safe as $$
  select created_by = subject or (audience <> '{}' and audience && audiences)
$$;
comment on function rowbell.is_for(text, text[], text, text[]) is
  'Whether a task (created_by, audience) is the own of a subject, or shared with its audiences. Null is as good as false.';
