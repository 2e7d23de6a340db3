create or replace function rowbell.leave_chair(chair integer, awake integer[])
returns void language plpgsql volatile as $$
begin
  perform pg_advisory_unlock(1919907684, a.key) from unnest(awake) a (key);
  perform pg_advisory_unlock(1919907686, chair);
end $$;
comment on function rowbell.leave_chair(integer, integer[]) is
  'For workers that drain or are full: this session answers the bell no more, whether or not somebody else does.';
