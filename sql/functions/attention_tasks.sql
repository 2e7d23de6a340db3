create or replace function rowbell.attention_tasks(at timestamptz default now())
returns table (id text, severity text, topic text, sentence text, remedy text, remedy_kind text, view text, filter jsonb, since timestamptz)
language plpgsql stable as $$
#variable_conflict use_column
begin
  return query
  select format('dead_tasks %s', m.kind), 'CRITICAL', 'dead_tasks',
    format('%s of kind %s became FAILED in the last hour.', rowbell.many(sum(m.failed), 'task'), m.kind),
    format('select * from rowbell.retry_where(kinds => ''{%s}'', finished_after => now() - interval ''1 hour'');', m.kind),
    'SQL', 'ERRORS', jsonb_build_object('kind', jsonb_build_array(m.kind)), min(m.minute)
  from rowbell.minutes m where m.minute > at - interval '1 hour' and m.failed > 0 group by m.kind;
end $$;
comment on function rowbell.attention_tasks(timestamptz) is 'For rowbell.attention: tasks that failed for good, which is no fault of the set-up.';
