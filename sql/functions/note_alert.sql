create or replace function rowbell.note_alert(alert text, holds boolean, at timestamptz)
returns void language plpgsql volatile as $$
begin
  update rowbell.alerts a set is_firing = holds, since = at where a.condition = alert and a.is_firing <> holds;
end $$;
comment on function rowbell.note_alert(text, boolean, timestamptz) is 'For rowbell.look_for_alerts: keeps since when a condition holds, or does not.';
