-- The journal: what happened to tasks, who did it, and what is counted from it.

create type rowbell.task_event as enum (
  'CREATED', 'STARTED', 'UPDATED', 'CANCEL_REQUESTED', 'RETRY_SCHEDULED', 'RELEASED', 'LOST',
  'COMPLETED', 'FAILED', 'CANCELLED', 'REOPENED', 'DELETED');
comment on type rowbell.task_event is
  'What happened to a task. RETRY_SCHEDULED: an attempt failed and another follows. RELEASED: an attempt ended without a verdict. LOST: it was lost with its worker. REOPENED: a finished task was sent back.';

-- Written by every statement that changes a task, so: no key, one index, fixed widths first.
create table rowbell.journal (
  xid           xid8               not null default pg_current_xact_id(),
  id            bigint             not null generated always as identity,
  at            timestamptz        not null,
  task_id       bigint             not null,
  worker        bigint,
  event         rowbell.task_event not null,
  status_before rowbell.task_status,
  status        rowbell.task_status,
  attempt       integer            not null,
  wait_seconds  real,
  run_seconds   real,
  kind          text collate "C"   not null,
  queue         text collate "C"   not null,
  role          text               not null,
  application   text               not null,
  subject       text,
  created_by    text               not null,
  audience      text[],
  detail        jsonb
) partition by range (at);
create index journal_xid on rowbell.journal (xid);

comment on table rowbell.journal is
  'What happened to tasks, one row an event, whoever did it. Only ever appended; a partition a day, dropped after the retention (7 days). Holds no payloads.';
comment on column rowbell.journal.xid is 'The transaction that did it; readers tell by it what they have seen.';
comment on column rowbell.journal.id is 'Grows; the order of the events of one task. Not the order of commits.';
comment on column rowbell.journal.at is 'When the statement ran.';
comment on column rowbell.journal.task_id is 'Which task; it may be deleted by now.';
comment on column rowbell.journal.worker is 'Which of rowbell.workers held it.';
comment on column rowbell.journal.event is 'What happened.';
comment on column rowbell.journal.status_before is 'Its status before; null: it was not there.';
comment on column rowbell.journal.status is 'Its status after; null: it is not there any more.';
comment on column rowbell.journal.attempt is 'Which attempt at it, 0 before the first.';
comment on column rowbell.journal.wait_seconds is 'STARTED: how long it was due before.';
comment on column rowbell.journal.run_seconds is 'Where an attempt ended: how long it ran.';
comment on column rowbell.journal.kind is 'Its kind.';
comment on column rowbell.journal.queue is 'Its queue.';
comment on column rowbell.journal.role is 'Who did it: the login in PostgreSQL.';
comment on column rowbell.journal.application is 'Who did it: the application_name of the session.';
comment on column rowbell.journal.subject is 'Who did it: the subject of the API; null: nobody came through it.';
comment on column rowbell.journal.created_by is 'As in rowbell.tasks: who may see it is decided by this and the audience.';
comment on column rowbell.journal.audience is 'As in rowbell.tasks; null: nobody.';
comment on column rowbell.journal.detail is
  'UPDATED: progress, or the columns that changed; also kind_before and queue_before. Failures: error_type. RETRY_SCHEDULED: run_at.';
comment on index rowbell.journal_xid is 'What readers have not seen yet.';

-- A row that has no partition of its own (nobody made one ahead) still finds a place.
create table rowbell.journal_default (like rowbell.journal including comments);
create index journal_default_xid on rowbell.journal_default (xid);
alter table rowbell.journal attach partition rowbell.journal_default default;
comment on index rowbell.journal_default_xid is 'What readers have not seen yet.';
comment on table rowbell.journal_default is 'Events of days for which no partition was made in time.';

create table rowbell.journal_state (
  is_only      boolean     not null default true,
  history      text,
  dropped_xid  xid8        not null default '0',
  fold_cursor  pg_snapshot not null default pg_current_snapshot(),
  constraint journal_state_pkey primary key (is_only),
  constraint is_only_row check (is_only)
);
comment on table rowbell.journal_state is 'One row: how far the journal reaches back, and how far it was counted.';
comment on column rowbell.journal_state.is_only is 'Always true.';
comment on column rowbell.journal_state.history is 'Which server and database it was written in; a restored one has another. Null: nobody has looked yet.';
comment on column rowbell.journal_state.dropped_xid is 'Events of transactions up to this one may have been dropped; a cursor that has not seen them all has expired.';
comment on column rowbell.journal_state.fold_cursor is 'What is visible in this snapshot has been counted.';
comment on constraint journal_state_pkey on rowbell.journal_state is 'One row.';
comment on constraint is_only_row on rowbell.journal_state is 'One row.';

-- Counted from here on: the trigger that writes the journal is made in this same transaction.
lock table rowbell.tasks in share row exclusive mode;
insert into rowbell.journal_state default values;

create table rowbell.minutes (
  minute      timestamptz      not null,
  queue       text collate "C" not null,
  kind        text collate "C" not null,
  created     integer          not null,
  started     integer          not null,
  completed   integer          not null,
  failed      integer          not null,
  cancelled   integer          not null,
  retried     integer          not null,
  lost        integer          not null,
  waits       integer[]        not null,
  runs        integer[]        not null,
  constraint minutes_pkey primary key (minute, queue, kind)
);
comment on table rowbell.minutes is 'The journal counted: what happened in each minute, by queue and kind. Kept as long as the journal.';
comment on column rowbell.minutes.minute is 'Its beginning.';
comment on column rowbell.minutes.queue is 'Of these tasks.';
comment on column rowbell.minutes.kind is 'Of these tasks.';
comment on column rowbell.minutes.created is 'Tasks inserted.';
comment on column rowbell.minutes.started is 'Attempts begun.';
comment on column rowbell.minutes.completed is 'Tasks that became COMPLETED.';
comment on column rowbell.minutes.failed is 'Tasks that became FAILED.';
comment on column rowbell.minutes.cancelled is 'Tasks that became CANCELLED.';
comment on column rowbell.minutes.retried is 'Attempts that failed and were followed by another.';
comment on column rowbell.minutes.lost is 'Attempts lost with their worker.';
comment on column rowbell.minutes.waits is 'How many waited how long: element n counts up to rowbell.histogram_bounds()[n] seconds, the last one more.';
comment on column rowbell.minutes.runs is 'The same for how long attempts ran.';
comment on constraint minutes_pkey on rowbell.minutes is 'One row a minute, queue and kind.';

create table rowbell.totals (
  queue  text collate "C"    not null,
  kind   text collate "C"    not null,
  status rowbell.task_status not null,
  tasks  bigint              not null,
  constraint totals_pkey primary key (queue, kind, status)
) with (fillfactor = 50);
insert into rowbell.totals select t.queue, t.kind, t.status, count(*) from rowbell.tasks t group by 1, 2, 3;
comment on table rowbell.totals is 'How many tasks there are, by queue, kind and status, as of what was counted last (rowbell.journal_state).';
comment on column rowbell.totals.queue is 'Of these tasks.';
comment on column rowbell.totals.kind is 'Of these tasks.';
comment on column rowbell.totals.status is 'Of these tasks.';
comment on column rowbell.totals.tasks is 'How many.';
comment on constraint totals_pkey on rowbell.totals is 'One row a queue, kind and status.';
