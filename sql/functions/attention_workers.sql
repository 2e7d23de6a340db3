create or replace function rowbell.attention_workers(at timestamptz default now())
returns table (id text, severity text, topic text, sentence text, remedy text, remedy_kind text, view text, filter jsonb, since timestamptz)
language plpgsql stable as $$
#variable_conflict use_column
begin
  return query
  select format('worker_silent %s', w.id), 'CRITICAL', 'worker_silent',
    format('Worker %s (%s, process %s) is silent for %s; the next sweep of another gives its %s tasks away after %s.', w.id, w.host, w.process,
      rowbell.ago(w.beat_at), w.busy, w.lease),
    'rowbell worker', 'COMMAND', 'WORKERS', jsonb_build_object('worker', w.id::text), w.beat_at
  from rowbell.workers w where w.lost_at is null and w.stopped_at is null and w.beat_at < at - least(w.lease, greatest(w.lease / 2, interval '12 seconds'))
  union all
  select format('worker_lost %s', w.id), 'WARNING', 'worker_lost',
    format('Worker %s (%s, process %s) was lost %s ago: it was silent for longer than its lease, and its tasks were given to others.', w.id, w.host, w.process, rowbell.ago(w.lost_at)),
    null, null, 'WORKERS', jsonb_build_object('worker', w.id::text), w.lost_at
  from rowbell.workers w where w.lost_at > at - interval '15 minutes'
  union all
  select format('listener_deaf %s', w.id), 'CRITICAL', 'listener_deaf',
    format('Worker %s (%s, process %s) hears no bell: NOTIFY does not reach it (a pooler in transaction mode, a replica), so only sweeps find its tasks.', w.id, w.host, w.process),
    'rowbell doctor', 'COMMAND', 'BELL', jsonb_build_object('worker', w.id::text), null::timestamptz
  from rowbell.workers w where w.lost_at is null and w.stopped_at is null and w.beat_at + w.lease >= at and (w.tally ->> 'is_deaf')::boolean
  union all
  select format('listener_lost %s', w.id), 'WARNING', 'listener_lost',
    format('Worker %s (%s, process %s) does not listen at the moment: its listening connection is gone.', w.id, w.host, w.process),
    'rowbell doctor', 'COMMAND', 'BELL', jsonb_build_object('worker', w.id::text), null::timestamptz
  from rowbell.workers w where w.lost_at is null and w.stopped_at is null and w.beat_at + w.lease >= at
    and not (w.tally ->> 'is_listening')::boolean and not (w.tally ->> 'is_deaf')::boolean
  union all
  select 'bell_missed', 'WARNING', 'bell_missed',
    format('Sweeps found tasks that no bell had announced, %s ago (worker %s): they waited longer than they had to.', rowbell.ago(max(w.swept_at)), string_agg(w.id::text, ', ')),
    'rowbell doctor', 'COMMAND', 'BELL', null::jsonb, max(w.swept_at)
  from rowbell.workers w where w.swept_at > at - interval '15 minutes' having count(*) > 0;
end $$;
comment on function rowbell.attention_workers(timestamptz) is
  'For rowbell.attention: workers that are silent or were lost, and listeners that hear nothing.';
