-- The way with the fewest rows to look at. How many tasks of kinds, queues and states there are, is known from
-- rowbell.totals, a few seconds old, which decides nothing but the way; how many a subject has is counted, up to a bound.
create or replace function rowbell.way_to_tasks(
  wanted rowbell.task_filter, subject text, audiences text[], sees_everything boolean)
returns text language plpgsql stable set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  few         constant integer := 10000;
  is_grouped  boolean := num_nonnulls(wanted.kinds, wanted.queues, wanted.statuses) > 0;
  by_finished boolean := num_nonnulls(wanted.finished_after, wanted.finished_before) > 0;
  by_created  boolean := num_nonnulls(wanted.created_after, wanted.created_before) > 0;
  in_groups   bigint;
  of_people   bigint;
  people      text;
begin
  people := case when not sees_everything then 'viewer' when wanted.created_by is not null then 'authors' end;
  if wanted.ids is not null then
    return 'ids';
  elsif not (is_grouped or by_finished) then
    return coalesce(people, case when by_created then 'groups' else 'all' end);
  elsif not by_finished and people is null then
    return 'groups';
  elsif not by_finished and num_nonnulls(wanted.kinds, wanted.queues) = 0 and (people = 'authors' or audiences = '{}') then
    return people;  -- tasks_of_author has the status
  end if;
  if is_grouped then
    select coalesce(sum(t.tasks), 0) into in_groups from rowbell.totals t
    where (wanted.kinds is null or t.kind = any (wanted.kinds)) and (wanted.queues is null or t.queue = any (wanted.queues))
      and (wanted.statuses is null or t.status = any (wanted.statuses));
    if in_groups <= few then
      return 'groups';
    end if;
  end if;
  if people is not null then
    execute format('select count(*) from (%s) c', rowbell.task_source(people, 'any', wanted, subject, audiences))
      into of_people using few + 1, timestamptz 'infinity', 9223372036854775807;
    if of_people <= few then
      return people;
    elsif not by_finished then
      return case when in_groups <= 20 * few then 'groups' else people end;
    end if;
  end if;
  return 'finished';
end $$;
comment on function rowbell.way_to_tasks(rowbell.task_filter, text, text[], boolean) is
  'For rowbell.find_tasks: which of the ways of rowbell.task_source to take for a filter.';
