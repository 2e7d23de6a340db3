-- What `rowbell doctor` needs to know of workers and kinds.
alter table rowbell.workers add column clock_ahead interval;
comment on column rowbell.workers.clock_ahead is 'How far its clock is ahead of the server''s, as of its last look; null: it has not looked yet.';
alter table rowbell.kinds add column module text;
comment on column rowbell.kinds.module is 'The Python module that has its handler, for --handlers; null: no worker has said.';
