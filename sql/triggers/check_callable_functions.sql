create or replace trigger check_callable_functions before insert or update on rowbell.callable_functions
for each row execute function rowbell.check_callable_function();
comment on trigger check_callable_functions on rowbell.callable_functions is
  'Refuses functions and roles that could never be called, and keeps who allowed what.';
