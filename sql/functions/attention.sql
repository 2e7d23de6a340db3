create or replace function rowbell.attention(at timestamptz default now())
returns table (id text, severity text, topic text, sentence text, remedy text, remedy_kind text, view text, filter jsonb, since timestamptz)
language plpgsql stable as $$
begin
  return query
  select a.* from (
    select * from rowbell.attention_tasks(attention.at)
    union all select * from rowbell.attention_workers(attention.at)
    union all select * from rowbell.attention_database(attention.at)) a
  order by case a.severity when 'CRITICAL' then 1 when 'WARNING' then 2 else 3 end, a.id;
end $$;
comment on function rowbell.attention(timestamptz) is
  'What needs somebody, the worst first: a sentence each, with the SQL or the command that mends it, and where on the operations page to look.';
