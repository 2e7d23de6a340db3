-- For each row with a WHEN: claims and completions, which never make a row due, queue no event at all.
create or replace trigger bell_for_updates after update of status, run_at, queue, kind, parents, concurrency_key on rowbell.tasks
for each row
when (new.status = 'PENDING' and new.run_at <= clock_timestamp() + interval '1 minute'
  and (old.status <> 'PENDING' or new.run_at < old.run_at or new.queue <> old.queue or new.kind <> old.kind
    or (new.parents is distinct from old.parents and new.parents is distinct from 'open')
    or new.concurrency_key is distinct from old.concurrency_key))
execute function rowbell.ring_for_update();
alter table rowbell.tasks enable always trigger bell_for_updates;
comment on trigger bell_for_updates on rowbell.tasks is
  'Rings the bell when an UPDATE makes a row due: retry, reschedule, release, met parents, another queue, kind or key.';
