create or replace function rowbell.ago(instant timestamptz)
returns text language sql stable as $$
  select case
    when instant is null then 'a time unknown'
    when seconds < 10 then round(seconds, 1) || ' s'
    when seconds < 120 then round(seconds) || ' s'
    when seconds < 7200 then round(seconds / 60) || ' min'
    when seconds < 172800 then round(seconds / 3600) || ' h'
    else round(seconds / 86400) || ' days' end
  from (select abs(extract(epoch from now() - instant)) as seconds) distance
$$;
comment on function rowbell.ago(timestamptz) is 'How far an instant is from now, in words: 12 s, 5 min, 3 h, 4 days.';
