create or replace function rowbell.histogram_bounds()
returns double precision[] language sql immutable parallel safe as $$
  select '{0.001,0.0025,0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10,30,60,300,1800,7200,86400}'::double precision[]
$$;
comment on function rowbell.histogram_bounds() is 'Upper bounds in seconds of the elements of rowbell.minutes.waits and runs; the last element counts what is beyond them.';
