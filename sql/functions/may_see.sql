create or replace function rowbell.may_see(
  created_by text, audience text[], subject text, audiences text[], role text)
returns boolean language sql immutable parallel safe as $$
  select role in ('admin', 'operator') or rowbell.is_for(created_by, audience, subject, audiences)
$$;
comment on function rowbell.may_see(text, text[], text, text[], text) is
  'Whether a caller of the API (subject, audiences, role) may see a task (created_by, audience): an operator any, others what is for them. Null is as good as false.';
