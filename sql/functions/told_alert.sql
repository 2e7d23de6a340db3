create or replace function rowbell.told_alert(alert text, fired boolean, dead_tasks bigint, at timestamptz default now())
returns void language plpgsql volatile as $$
begin
  update rowbell.alerts a
  set told_firing = fired, told_at = case when fired then at else a.told_at end, tasks = greatest(0, a.tasks - dead_tasks), sending_until = null
  where a.condition = alert;
end $$;
comment on function rowbell.told_alert(text, boolean, bigint, timestamptz) is
  'For the process that rowbell.look_for_alerts gave an alert to: it has arrived, with so many dead tasks.';
