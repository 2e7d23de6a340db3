create or replace function rowbell.attention_database(at timestamptz default now())
returns table (id text, severity text, topic text, sentence text, remedy text, remedy_kind text, view text, filter jsonb, since timestamptz)
language sql stable as $$
  select a.* from rowbell.attention(at) a where a.view = 'DATABASE' or a.topic in ('trigger', 'notify_queue')
$$;
comment on function rowbell.attention_database(timestamptz) is 'What rowbell.attention says of the database itself.';
