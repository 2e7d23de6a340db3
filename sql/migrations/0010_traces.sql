-- Traces: where a task comes from, for those who follow requests through several systems.

alter table rowbell.tasks add column traceparent text;
comment on column rowbell.tasks.traceparent is
  'INSERT: the W3C trace context in which it was asked for (00-TRACE-SPAN-FLAGS). Workers hand it to the handler, and hang their spans on it.';

-- It returns more from now on, which no `create or replace` can change.
drop function if exists rowbell.claim(text, bigint, integer, text[], timestamptz);
