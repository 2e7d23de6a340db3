-- Send many back. Finished rows are found by id; by walking tasks_finished back from the newest, if the time of
-- finishing is bounded from below; else by kind, queue and status, which reads no COMPLETED ones. A row that somebody else has locked is left alone. Rows without a unique_key come first and the others
-- in the order of their keys, so that two calls never wait for each other's keys in a circle.
create or replace function rowbell.retry_where(
  queues text[] default null, kinds text[] default null, error_types text[] default null, ids bigint[] default null,
  statuses rowbell.task_status[] default '{FAILED}', created_by text[] default null,
  created_after timestamptz default null, created_before timestamptz default null,
  finished_after timestamptz default null, finished_before timestamptz default null, fingerprints text[] default null,
  search text default null,
  everything boolean default false, most integer default 1000, dry_run boolean default false, at timestamptz default now())
returns table (matched integer, changed integer, key_taken integer, has_more boolean, sample bigint[], undo bigint[])
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
#variable_conflict use_column
declare
  chosen bigint[];
  free   bigint[];
  keyed  bigint[];
  done   bigint[];
  one    bigint;
begin
  if not everything and num_nonnulls(queues, kinds, error_types, ids, retry_where.created_by,
      created_after, created_before, finished_after, finished_before, fingerprints, search) = 0 then
    raise exception using errcode = 'RB400', message = 'no condition says which tasks to retry',
      hint = 'Give one, for example queues => ''{mail}''; or everything => true.';
  elsif most is null or most not between 1 and 10000 then
    raise exception using errcode = 'RB400', message = format('most is %s', most), column = 'most',
      hint = 'Use 1 to 10000, and call again while has_more.';
  elsif statuses is null or not statuses <@ '{FAILED,CANCELLED}' then
    raise exception using errcode = 'RB400', message = 'only FAILED and CANCELLED tasks can be retried', column = 'status',
      hint = 'Use FAILED, CANCELLED or both.';
  end if;

  -- One statement for each way in: together, a plan that is made once could use neither index.
  if ids is not null then
    chosen := array(
      select t.id from rowbell.tasks t
      where t.id = any (ids) and t.status = any (statuses)
        and (queues is null or t.queue = any (queues)) and (kinds is null or t.kind = any (kinds))
        and (error_types is null or t.error ->> 'type' = any (error_types))
        and (retry_where.created_by is null or t.created_by = any (retry_where.created_by))
        and (created_after is null or t.created_at >= created_after) and (created_before is null or t.created_at < created_before)
        and (search is null or strpos(lower(t.description), lower(search)) > 0 or strpos(lower(t.payload::text), lower(search)) > 0)
        and (finished_after is null or t.finished_at >= finished_after) and (finished_before is null or t.finished_at < finished_before)
        and (fingerprints is null or t.error ->> 'fingerprint' = any (fingerprints))
      order by t.id desc limit most + 1);
  elsif fingerprints is not null then  -- by tasks_failed: CANCELLED tasks have no error that counts
    chosen := array(
      select t.id from (select distinct unnest(fingerprints) as fingerprint) f
      cross join lateral (
        select g.id, g.finished_at from rowbell.tasks g
        where g.status = 'FAILED' and g.error ->> 'fingerprint' = f.fingerprint
          and g.finished_at >= coalesce(finished_after, '-infinity') and g.finished_at < coalesce(finished_before, 'infinity')
          and g.status = any (statuses)
          and (queues is null or g.queue = any (queues)) and (kinds is null or g.kind = any (kinds))
          and (error_types is null or g.error ->> 'type' = any (error_types))
          and (retry_where.created_by is null or g.created_by = any (retry_where.created_by))
          and (created_after is null or g.created_at >= created_after) and (created_before is null or g.created_at < created_before)
          and (search is null or strpos(lower(g.description), lower(search)) > 0 or strpos(lower(g.payload::text), lower(search)) > 0)
        order by g.finished_at desc limit most + 1) t
      order by t.finished_at desc limit most + 1);
  elsif finished_after is not null then
    chosen := array(
      select t.id from rowbell.tasks t
      where t.finished_at >= finished_after and t.finished_at < coalesce(finished_before, 'infinity')
        and t.finished_at is not null and t.status = any (statuses)
        and (queues is null or t.queue = any (queues)) and (kinds is null or t.kind = any (kinds))
        and (error_types is null or t.error ->> 'type' = any (error_types))
        and (retry_where.created_by is null or t.created_by = any (retry_where.created_by))
        and (created_after is null or t.created_at >= created_after) and (created_before is null or t.created_at < created_before)
        and (search is null or strpos(lower(t.description), lower(search)) > 0 or strpos(lower(t.payload::text), lower(search)) > 0)
      order by t.finished_at desc limit most + 1);
  else
    chosen := array(
      select t.id from rowbell.task_groups(kinds, queues) g cross join unnest(statuses) s (status)
      cross join lateral (
        select h.id, h.finished_at, h.error, h.created_by, h.created_at, h.description, h.payload from rowbell.tasks h
        where h.kind = g.kind and h.queue = g.queue and h.status = s.status and h.status <> 'PROCESSING'
          and h.created_at >= coalesce(created_after, '-infinity') and h.created_at < coalesce(created_before, 'infinity')
        limit 9223372036854775807) t  -- the limit leaves the planner no other way than a probe for each group
      where t.finished_at < coalesce(finished_before, 'infinity')
        and (error_types is null or t.error ->> 'type' = any (error_types))
        and (retry_where.created_by is null or t.created_by = any (retry_where.created_by))
        and (search is null or strpos(lower(t.description), lower(search)) > 0 or strpos(lower(t.payload::text), lower(search)) > 0)
      order by t.finished_at desc limit most + 1);
  end if;
  has_more := cardinality(chosen) > most;
  chosen := chosen[:most];
  matched := cardinality(chosen);
  free := array(
    select t.id from unnest(chosen) with ordinality c (id, place)
    cross join lateral (select h.id, h.unique_key from rowbell.tasks h where h.id = c.id limit 1) t
    where t.unique_key is null);
  -- Of two with one key, the newer: the first in the order of `chosen`.
  keyed := array(
    select distinct on (t.unique_key) t.id from unnest(chosen) with ordinality c (id, place)
    cross join lateral (select h.id, h.unique_key from rowbell.tasks h where h.id = c.id limit 1) t
    where t.unique_key is not null and not exists (
      select from rowbell.tasks o where o.unique_key = t.unique_key and o.status in ('PENDING', 'PROCESSING'))
    order by t.unique_key, c.place);
  key_taken := matched - cardinality(free) - cardinality(keyed);
  changed := 0;
  sample := (free || keyed)[:20];
  undo := '{}';
  if not dry_run then
    done := rowbell.reopen(free, statuses, at);
    begin
      done := done || rowbell.reopen(keyed, statuses, at);
    exception when unique_violation then  -- a key was taken just now: find out whose
      foreach one in array keyed loop
        begin
          done := done || rowbell.reopen(array[one], statuses, at);
        exception when unique_violation then
          key_taken := key_taken + 1;
        end;
      end loop;
    end;
    changed := cardinality(done);
    sample := done[:20];
    undo := done;
  end if;
  return next;
end $$;
comment on function rowbell.retry_where(text[], text[], text[], bigint[], rowbell.task_status[], text[], timestamptz, timestamptz, timestamptz, timestamptz, text[], text, boolean, integer, boolean, timestamptz) is
  'rowbell.retry for up to `most` tasks that meet every given condition, newest finished first: how many matched, were changed, were left because an open task has their unique_key, whether there are more, 20 ids, and the ids that rowbell.cancel_where takes back. dry_run: changes nothing. RB400: no condition, and not everything => true.';
