create or replace function rowbell.health_of_triggers(at timestamptz default now())
returns table (severity text, topic text, sentence text, remedy text, remedy_in text, about text, filter jsonb, since timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select 'problem', 'trigger',
    format('The trigger %s of rowbell.%s is not in force: %s.', b.name, b.on_table,
      case when b.name like 'journal%' then 'what happens is told to nobody' else 'tasks wait for a sweep' end),
    case when b.remedy like 'alter%' then b.remedy else format('rowbell migrate --reapply triggers/%s.sql', b.name) end,
    case when b.remedy like 'alter%' then 'psql' else 'shell' end, b.name, null::jsonb, null::timestamptz
  from rowbell.bell_triggers() b where not b.is_in_force;
end $$;
comment on function rowbell.health_of_triggers(timestamptz) is 'For rowbell.health and rowbell.attention: triggers of the bell and of the journal that are missing or disabled.';
