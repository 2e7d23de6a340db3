-- It counts groups of entries instead of entries from here on.
drop function if exists rowbell.count_buckets(integer[]);
