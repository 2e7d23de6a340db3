-- Traces: where a task comes from, for those who follow requests through several systems; and alerts.

alter table rowbell.tasks add column traceparent text;
comment on column rowbell.tasks.traceparent is
  'INSERT: the W3C trace context in which it was asked for (00-TRACE-SPAN-FLAGS). Workers hand it to the handler, and hang their spans on it.';

-- It returns more from now on, which no `create or replace` can change.
drop function if exists rowbell.claim(text, bigint, integer, text[], timestamptz);

create table rowbell.alerts (
  condition     text        not null,
  is_firing     boolean     not null default false,
  since         timestamptz not null,
  seen_at       timestamptz,
  tasks         bigint      not null default 0,
  detail        jsonb       not null default '{}',
  told_at       timestamptz,
  told_firing   boolean     not null default false,
  sending_until timestamptz,
  counted_from  timestamptz not null,
  counted       bigint      not null default 0,
  constraint alerts_pkey primary key (condition)
);
comment on table rowbell.alerts is 'What ROWBELL_ALERT_URL is told of: one row a condition, so that many processes tell it once.';
comment on column rowbell.alerts.condition is 'dead_tasks or backlog.';
comment on column rowbell.alerts.is_firing is 'Whether it holds.';
comment on column rowbell.alerts.since is 'Since when it holds, or does not.';
comment on column rowbell.alerts.seen_at is 'When it was seen to hold last.';
comment on column rowbell.alerts.tasks is 'dead_tasks: how many have died since it was told last.';
comment on column rowbell.alerts.detail is 'What else is told: the kinds that failed, the queue that waits.';
comment on column rowbell.alerts.told_at is 'When it was told last that it holds.';
comment on column rowbell.alerts.told_firing is 'What was told last.';
comment on column rowbell.alerts.sending_until is 'A process is telling it; after this instant another one may.';
comment on column rowbell.alerts.counted_from is 'dead_tasks: failures of these minutes of rowbell.minutes on are counted.';
comment on column rowbell.alerts.counted is 'dead_tasks: so many of these were counted before.';
comment on constraint alerts_pkey on rowbell.alerts is 'One row a condition.';
