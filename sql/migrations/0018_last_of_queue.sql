-- claim returns one column more: whether no other task waited in its queue. The file in functions/ makes it anew.
drop function if exists rowbell.claim(text, bigint, integer, text[], timestamptz);
