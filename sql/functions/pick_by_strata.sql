-- Ready rows lie in strata of (kind, priority, has a key): the higher priority first; within a priority the strata
-- share the slots evenly, each from its oldest row, and what some leave over goes to the others: fewer rows than slots
-- means that no more can run now. A stratum costs one probe of an index, so rows that cannot be claimed now (unknown
-- kinds, future rows, kinds at their limit) are stepped over, never read one by one.
-- Planned with the settings of claim, whose part it is.
create or replace function rowbell.pick_by_strata(
  queue_name text, slots integer, known_kinds text[], queue_has_limits boolean, at timestamptz default now())
returns bigint[] language plpgsql volatile as $$
declare
  chosen     bigint[] := '{}';
  picked     bigint[];
  kinds      text[];     -- of the strata, by falling priority and rising age of their oldest row
  priorities integer[];
  keyed      boolean[];
  limited    text[];     -- the kinds among them that have a limit,
  room_of    integer[];  -- and how many of each may still be started
  turn       integer[];  -- strata of one priority that are still to be asked
  again      integer[];  -- strata that filled their share and may have more
  room       integer := slots;
  share      integer;
  stratum    integer;
  next_one   integer := 1;
begin
  if not queue_has_limits and current_setting('rowbell.place', true) <> '' then
    chosen := rowbell.pick_on(queue_name, slots, known_kinds, at);
    if chosen <> '{}' then
      return chosen;
    end if;
  end if;

  select array_agg(s.kind order by s.priority desc, s.run_at, s.kind),
         array_agg(s.priority order by s.priority desc, s.run_at, s.kind),
         array_agg(s.is_keyed order by s.priority desc, s.run_at, s.kind)
  into kinds, priorities, keyed
  from rowbell.strata(queue_name, known_kinds) s where s.run_at <= at;
  limited := array(
    select k.name from rowbell.kinds k
    where k.name = any (kinds) and (k.max_running is not null or k.rate is not null));
  if queue_has_limits or limited <> '{}' or true = any (keyed) then
    -- Limits are counted by one claim at a time: what it counts, no other can change before its commit.
    perform pg_advisory_xact_lock(1919907682, 3);
    room := least(slots, rowbell.room_of_queue(queue_name, at));
    room_of := array(select rowbell.room_of_kind(l.name, at) from unnest(limited) l (name));
  end if;

  while next_one <= cardinality(kinds) and room > 0 loop
    turn := '{}';
    while next_one <= cardinality(kinds) and (turn = '{}' or priorities[next_one] = priorities[turn[1]]) loop
      turn := turn || next_one;
      next_one := next_one + 1;
    end loop;
    again := '{}';
    while cardinality(turn) > 0 and room > 0 loop
      stratum := turn[1];
      share := (room + cardinality(turn) - 1) / cardinality(turn);
      if room_of is not null then
        share := least(share, room_of[array_position(limited, kinds[stratum])]);
      end if;
      if share <= 0 then
        picked := '{}';
      elsif keyed[stratum] then
        picked := rowbell.pick_by_key(queue_name, kinds[stratum], priorities[stratum], share, chosen, at);
      else
        picked := rowbell.pick(queue_name, kinds[stratum], priorities[stratum], share, chosen, at);
      end if;
      if picked <> '{}' then
        chosen := chosen || picked;
        room := room - cardinality(picked);
        if room_of is not null and array_position(limited, kinds[stratum]) is not null then
          room_of[array_position(limited, kinds[stratum])] :=
            room_of[array_position(limited, kinds[stratum])] - cardinality(picked);
        end if;
        if cardinality(picked) = share then
          again := again || stratum;
        end if;
      end if;
      turn := turn[2:];
      if cardinality(turn) = 0 then
        turn := again;  -- what some left over goes to those that can use it
        again := '{}';
      end if;
    end loop;
  end loop;
  perform set_config('rowbell.many', case when cardinality(chosen) > 10 then queue_name else '' end, false);
  if chosen = '{}' then
    return chosen;
  end if;
  if queue_has_limits or limited <> '{}' then
    perform rowbell.spend_tokens(queue_name, chosen, at);
  end if;
  if slots >= 20 and cardinality(kinds) = 1 and room_of is null and cardinality(chosen) = slots then
    perform rowbell.mark_place(chosen[slots], clock_timestamp());
  end if;
  return chosen;
end $$;
comment on function rowbell.pick_by_strata(text, integer, text[], boolean, timestamptz) is
  'For claim: locks up to `slots` due rows of a queue, the higher priority first, evenly from each kind, within every limit.';
