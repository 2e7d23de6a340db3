-- What the kind call_function may call.
-- Text, not regprocedure: pg_upgrade refuses a database with a column of that type, and a dropped
-- function would leave a number behind.

create table rowbell.callable_functions (
  function          text        not null,
  name              text        not null,
  run_as            text,
  statement_timeout interval    not null default '5 minutes',
  description       text,
  allowed_by        text        not null default session_user,
  allowed_at        timestamptz not null default now(),
  constraint callable_functions_pkey primary key (function),
  constraint statement_timeout_is_positive check (case
    when statement_timeout between '1 millisecond' and '7 days' then true
    else rowbell.refuse('statement_timeout_is_positive', 'statement_timeout',
      format('statement_timeout %s makes no sense', statement_timeout),
      'Use an interval up to 7 days, or leave it out for 5 minutes.', 'callable_functions') end),
  constraint description_is_short check (case when description is null or length(description) <= 1000 then true
    else rowbell.refuse('description_is_short', 'description', format('the description has %s characters', length(description)),
      'Use at most 1000 characters.', 'callable_functions') end)
);

comment on table rowbell.callable_functions is
  'The functions that tasks of the kind call_function may call. Whoever may insert here can run any SQL as the service, and whoever may insert tasks can call what is listed, with any arguments.';
comment on column rowbell.callable_functions.function is 'INSERT: schema.function, or schema.function(types) where there are several. Kept with its types.';
comment on column rowbell.callable_functions.name is 'Kept by a trigger: the function without its types; a payload may use either.';
comment on column rowbell.callable_functions.run_as is 'INSERT: the role that calls it, which the service''s role must be able to SET ROLE to; null: the service''s own.';
comment on column rowbell.callable_functions.statement_timeout is 'INSERT: a call is cancelled after this time, and fails.';
comment on column rowbell.callable_functions.description is 'INSERT: what it is for, in words.';
comment on column rowbell.callable_functions.allowed_by is 'Kept by a trigger: the login that allowed it, or changed this row last.';
comment on column rowbell.callable_functions.allowed_at is 'Kept by a trigger: when.';
comment on constraint callable_functions_pkey on rowbell.callable_functions is 'A function is allowed once.';
comment on constraint statement_timeout_is_positive on rowbell.callable_functions is 'Up to 7 days.';
comment on constraint description_is_short on rowbell.callable_functions is 'At most 1000 characters.';
