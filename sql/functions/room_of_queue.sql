-- Running rows are counted, not kept in a counter: a count cannot be released twice, nor forgotten.
create or replace function rowbell.room_of_queue(queue_name text, at timestamptz default now())
returns integer language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
declare
  queue   rowbell.queues;
  running integer;
begin
  select * into queue from rowbell.queues q where q.name = queue_name;
  if queue.max_running is not null then
    select count(*) into running from (
      select from rowbell.tasks t where t.status = 'PROCESSING' and t.queue = queue_name limit queue.max_running) r;
  end if;
  return least(queue.max_running - running,
               floor(rowbell.tokens('queue', queue_name, queue.rate, queue.burst, at)));
end $$;
comment on function rowbell.room_of_queue(text, timestamptz) is
  'How many tasks of a queue may be started now by its max_running and its rate; null: no limit.';
