create or replace function rowbell.explain_workers(task rowbell.tasks)
returns table (reason text)
language plpgsql stable as $$
declare
  queue   rowbell.queues;
  live    integer;
  knowing integer;
  serving integer;
  slots   bigint;
  busy    bigint;
begin
  select * into queue from rowbell.queues q where q.name = task.queue;
  if queue.paused_at is not null then
    return query select format('Queue %s is paused since %s, by %s: select rowbell.resume(%L);',
      task.queue, rowbell.ago(queue.paused_at), queue.paused_by, task.queue);
  end if;
  select count(*),
    count(*) filter (where task.kind = any (w.kinds)),
    count(*) filter (where task.kind = any (w.kinds) and w.queues && array['*', task.queue]),
    sum(w.slots) filter (where task.kind = any (w.kinds) and w.queues && array['*', task.queue]),
    sum(w.busy) filter (where task.kind = any (w.kinds) and w.queues && array['*', task.queue])
  into live, knowing, serving, slots, busy
  from rowbell.workers w
  where w.stopped_at is null and w.lost_at is null and w.draining_at is null and w.beat_at + w.lease >= now();
  return query select case
    when live = 0 then 'No worker is running: start `rowbell serve` or `rowbell worker`.'
    when knowing = 0 then format('No live worker knows kind %s (%s): start one with --handlers and the module that has it.', task.kind, rowbell.many(live, 'is live', 'are live'))
    when serving = 0 then format('No worker that knows its kind (%s) serves queue %s: start one with --queues %s.', rowbell.many(knowing, 'does', 'do'), task.queue, task.queue)
    when busy >= slots then format('%s: %s of %s busy.', rowbell.many(serving, 'worker could run it, and is full', 'workers could run it, and are full'), busy, rowbell.many(slots, 'slot')) end
  where live = 0 or knowing = 0 or serving = 0 or busy >= slots;
end $$;
comment on function rowbell.explain_workers(rowbell.tasks) is 'For rowbell.explain: whether its queue is paused, and whether a live worker could run a PENDING task and has a slot, as of the last heartbeats.';
