-- Planned with the settings of claim, whose part it is: settings of its own would be set for every call.
create or replace function rowbell.pick(
  queue_name text, of_kind text, of_priority integer, most integer, chosen bigint[], at timestamptz default now())
returns bigint[] language plpgsql volatile as $$
begin
  return array(
    select t.id from rowbell.tasks t
    where t.queue = queue_name and t.kind = of_kind and t.priority = of_priority
      and t.status = 'PENDING' and t.concurrency_key is null
      and ((t.after is null and t.after_batch is null) or t.parents = 'met')
      and t.run_at <= at and t.id <> all (chosen)
    order by t.run_at, t.id
    limit most
    for update skip locked);
end $$;
comment on function rowbell.pick(text, text, integer, integer, bigint[], timestamptz) is
  'For claims: locks up to `most` due rows of a stratum without keys, the oldest first. `chosen` were picked before.';
