create or replace trigger tell_watchers after insert or update or delete on rowbell.tasks
for each statement execute function rowbell.tell_watchers();
alter table rowbell.tasks enable always trigger tell_watchers;
comment on trigger tell_watchers on rowbell.tasks is 'Tells API processes that somebody changed a task, while they watch.';
