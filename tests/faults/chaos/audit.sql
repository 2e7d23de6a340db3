-- What the chaos run notes in the database itself, in the transactions that it watches.
create schema chaos;

create table chaos.effects (
  task_id bigint not null, attempt integer not null, process integer not null,
  at timestamptz not null default clock_timestamp());

create table chaos.changes (
  id bigint generated always as identity,
  task_id bigint not null, attempt integer not null, worker bigint,
  before text not null, after text not null,
  at timestamptz not null default clock_timestamp());

create function chaos.note() returns trigger language plpgsql as $$
begin
  insert into chaos.changes (task_id, attempt, worker, before, after)
  values (new.id, new.attempt, new.worker, old.status, new.status);
  return null;
end $$;

create trigger chaos_note after update on rowbell.tasks for each row
  when (old.status <> new.status or old.attempt <> new.attempt)
  execute function chaos.note();
