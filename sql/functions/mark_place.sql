create or replace function rowbell.mark_place(task_id bigint, marked_at timestamptz)
returns void language sql volatile as $$
  select set_config('rowbell.place', format('%s %s %s %s %s %s', t.queue, t.kind, t.priority,
    (extract(epoch from t.run_at) * 1000000)::bigint, t.id, (extract(epoch from marked_at) * 1000000)::bigint), false)
  from rowbell.tasks t where t.id = task_id
$$;
comment on function rowbell.mark_place(bigint, timestamptz) is
  'For claim: remembers for this session up to which task it has claimed, and when it last began from the start.';
