create or replace function rowbell.many(number numeric, one text, more text default null)
returns text language sql immutable as $$
  select format('%s %s', number, case when number = 1 then one else coalesce(more, one || 's') end)
$$;
comment on function rowbell.many(numeric, text, text) is 'A number with its noun: 1 task, 2 tasks; `more` is the plural where an s does not make it.';
