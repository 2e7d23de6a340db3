-- Cancel many. Open rows are found by the partial indexes that hold open rows only, whatever lies finished
-- beside them. A row that somebody else has locked (a claim, a completion) is left alone, so this
-- waits for nobody; running rows come last, so that their completions wait for this as short as can be.
create or replace function rowbell.cancel_where(
  queues text[] default null, kinds text[] default null, error_types text[] default null, ids bigint[] default null,
  statuses rowbell.task_status[] default '{PENDING,PROCESSING}', created_by text[] default null,
  created_after timestamptz default null, created_before timestamptz default null,
  search text default null,
  everything boolean default false, most integer default 1000, dry_run boolean default false, at timestamptz default now())
returns table (matched integer, changed integer, has_more boolean, sample bigint[], undo bigint[])
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
#variable_conflict use_column
declare
  chosen bigint[];
  done   bigint[] := '{}';
  asked  bigint[] := '{}';
begin
  if not everything and num_nonnulls(queues, kinds, error_types, ids, cancel_where.created_by, created_after, created_before, search) = 0 then
    raise exception using errcode = 'RB400', message = 'no condition says which tasks to cancel',
      hint = 'Give one, for example queues => ''{mail}''; or everything => true.';
  elsif most is null or most not between 1 and 10000 then
    raise exception using errcode = 'RB400', message = format('most is %s', most), column = 'most',
      hint = 'Use 1 to 10000, and call again while has_more.';
  elsif statuses is null or not statuses <@ '{PENDING,PROCESSING}' then
    raise exception using errcode = 'RB400', message = 'only PENDING and PROCESSING tasks can be cancelled', column = 'status',
      hint = 'Use PENDING, PROCESSING or both.';
  end if;

  chosen := array(
    select t.id
    from (
      select distinct unnest(ids) as id
      union all  -- the rows of tasks_ready, of tasks_ready_keyed, of tasks_unseen, ...
      select r.id from rowbell.tasks r
      where ids is null and r.status = 'PENDING' and r.concurrency_key is null
        and ((r.after is null and r.after_batch is null) or r.parents = 'met') and (queues is null or r.queue = any (queues))
      union all
      select k.id from rowbell.tasks k
      where ids is null and k.status = 'PENDING' and k.concurrency_key <> ''
        and ((k.after is null and k.after_batch is null) or k.parents = 'met') and (queues is null or k.queue = any (queues))
      union all
      select u.id from rowbell.tasks u
      where ids is null and u.status = 'PENDING' and (u.after is not null or u.after_batch is not null) and u.parents is null
        and (queues is null or u.queue = any (queues))
      union all  -- ... of tasks_held and of tasks_running
      select w.id from rowbell.tasks w
      where ids is null and w.status = 'PENDING' and w.parents = 'open' and (queues is null or w.queue = any (queues))
      union all
      select p.id from rowbell.tasks p
      where ids is null and p.status = 'PROCESSING' and (queues is null or p.queue = any (queues))) found
    -- The limit leaves the planner no other way than one probe of the key for each.
    cross join lateral (select h.* from rowbell.tasks h where h.id = found.id limit 1) t
    where t.status = any (statuses) and t.cancel_requested_at is null
      and (queues is null or t.queue = any (queues)) and (kinds is null or t.kind = any (kinds))
      and (error_types is null or t.error ->> 'type' = any (error_types))
      and (cancel_where.created_by is null or t.created_by = any (cancel_where.created_by))
      and (created_after is null or t.created_at >= created_after) and (created_before is null or t.created_at < created_before)
      and (search is null or strpos(lower(t.description), lower(search)) > 0 or strpos(lower(t.payload::text), lower(search)) > 0)
    limit most + 1);
  has_more := cardinality(chosen) > most;
  chosen := chosen[:most];
  matched := cardinality(chosen);
  changed := 0;
  sample := chosen[:20];
  undo := '{}';
  if not dry_run then
    if 'PENDING' = any (statuses) then
      with mine as (
        update rowbell.tasks t set status = 'CANCELLED', cancel_requested_at = at, finished_at = at  -- as in cancel.sql
        from (
          select held.id from unnest(chosen) c (id)
          cross join lateral (
            select h.id from rowbell.tasks h where h.id = c.id and h.status::text = 'PENDING' for update skip locked) held) free
        where t.id = free.id
        returning t.id)
      select coalesce(array_agg(mine.id), '{}') into done from mine;
      perform rowbell.meet(done, at);
    end if;
    if 'PROCESSING' = any (statuses) then
      with mine as (
        update rowbell.tasks t set cancel_requested_at = at
        from (
          select held.id from unnest(chosen) c (id)
          cross join lateral (
            select h.id from rowbell.tasks h
            where h.id = c.id and h.status::text = 'PROCESSING' and h.cancel_requested_at is null
            for update skip locked) held) free
        where t.id = free.id
        returning t.id)
      select coalesce(array_agg(mine.id), '{}') into asked from mine;
      perform pg_notify('rowbell_cancel', a.id::text) from unnest(asked) a (id);
    end if;
    changed := cardinality(done) + cardinality(asked);
    sample := (done || asked)[:20];
    undo := done;
  end if;
  return next;
end $$;
comment on function rowbell.cancel_where(text[], text[], text[], bigint[], rowbell.task_status[], text[], timestamptz, timestamptz, text, boolean, integer, boolean, timestamptz) is
  'rowbell.cancel for up to `most` open tasks that meet every given condition and whose cancel was not asked for yet: how many matched, how many were changed, whether there are more, 20 ids, and the ids that rowbell.retry_where takes back: those that were PENDING. dry_run: changes nothing. RB400: no condition, and not everything => true.';
