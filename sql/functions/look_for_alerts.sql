-- Asked by every process every few seconds, so one of them looks, and none waits. Deaths are read from what
-- was counted (rowbell.minutes), where minutes that have just passed may still grow: ten of them stay open.
create or replace function rowbell.look_for_alerts(
  dead_tasks integer, backlog interval, every interval, at timestamptz default now())
returns table (condition text, is_firing boolean, since timestamptz, tasks bigint, detail jsonb)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  open_from timestamptz := date_trunc('minute', at) - interval '10 minutes';
  state     rowbell.alerts;
  died      bigint;
  failed    jsonb;
  oldest    record;
begin
  if not pg_try_advisory_xact_lock(1919907682, 7) then
    return;
  end if;
  insert into rowbell.alerts (condition, since, counted_from, counted)
  select c.name, at, open_from, (select coalesce(sum(m.failed), 0) from rowbell.minutes m where m.minute >= open_from)
  from unnest(array['dead_tasks', 'backlog']) c (name)
  on conflict do nothing;

  if dead_tasks > 0 then
    select * into state from rowbell.alerts a where a.condition = 'dead_tasks';
    select coalesce(sum(m.failed), 0) - state.counted into died from rowbell.minutes m where m.minute >= state.counted_from;
    died := greatest(died, 0);
    if died > 0 then
      select jsonb_object_agg(f.kind, f.failed) into failed from (
        select m.kind, sum(m.failed) as failed from rowbell.minutes m
        where m.minute >= state.counted_from and m.failed > 0 group by m.kind order by 2 desc, 1 limit 5) f;
    end if;
    update rowbell.alerts a
    set tasks = a.tasks + died, seen_at = case when died > 0 then at else a.seen_at end,
        detail = case when died > 0 then jsonb_build_object('kinds', failed) else a.detail end,
        counted_from = open_from,
        counted = (select coalesce(sum(m.failed), 0) from rowbell.minutes m where m.minute >= open_from)
    where a.condition = 'dead_tasks';
    perform rowbell.note_alert('dead_tasks', state.tasks + died >= dead_tasks
      or (state.told_firing and case when died > 0 then at else state.seen_at end > at - every), at);
  end if;

  if backlog > interval '0' then
    select w.queue, w.kind, w.due_since into oldest from rowbell.waiting_queues(at - backlog) w
    where w.kind is not null
      and not exists (select from rowbell.queues q where q.name = w.queue and q.paused_at is not null)
    order by w.due_since limit 1;
    if found then
      update rowbell.alerts a
      set seen_at = at, detail = jsonb_build_object('queue', oldest.queue, 'kind', oldest.kind,
        'oldest_seconds', round(extract(epoch from at - oldest.due_since)))
      where a.condition = 'backlog';
    end if;
    perform rowbell.note_alert('backlog', oldest.queue is not null, at);
  end if;

  return query
  update rowbell.alerts a set sending_until = at + interval '1 minute'
  where coalesce(a.sending_until < at, true)
    and case when a.is_firing
      then coalesce(a.told_at <= at - every, true) and (a.condition <> 'dead_tasks' or a.tasks >= dead_tasks)
      else a.told_firing end
  returning a.condition, a.is_firing, a.since, a.tasks, a.detail;
end $$;
comment on function rowbell.look_for_alerts(integer, interval, interval, timestamptz) is
  'For every process: what ROWBELL_ALERT_URL has to be told now, by whoever gets it here. So many dead tasks, or a task that was due for longer than `backlog` (0: never), each once within `every`; and that it is over. Nothing while another process looks.';
