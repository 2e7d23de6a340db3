create or replace function rowbell.may_change(created_by text, subject text, role text)
returns boolean language sql immutable parallel safe as $$
  select role in ('admin', 'operator') or (role = 'producer' and created_by = subject)
$$;
comment on function rowbell.may_change(text, text, text) is
  'Whether a caller of the API may cancel or retry a task that it sees: an operator any, a producer its own. Null is as good as false.';
