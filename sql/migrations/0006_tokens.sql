-- Who may call the API with a token, and indexes for those who may not see every task.

create table rowbell.tokens (
  id           bigint generated always as identity,
  name         text        not null,
  subject      text        not null,
  role         text collate "C" not null,
  audiences    text[]      not null default '{}',
  digest       bytea       not null,
  created_by   text        not null
    default coalesce(nullif(current_setting('rowbell.subject', true), ''), session_user),
  created_at   timestamptz not null default now(),
  expires_at   timestamptz,
  revoked_at   timestamptz,
  last_used_at timestamptz,

  constraint tokens_pkey primary key (id),
  constraint tokens_digest unique (digest),
  constraint digest_is_a_sha256 check (octet_length(digest) = 32),
  constraint name_is_short check (case when length(name) between 1 and 200 then true
    else rowbell.refuse('name_is_short', 'name', format('the name has %s characters', length(name)),
      'Use 1 to 200 characters that say who or what the token is for.', 'tokens') end),
  constraint subject_is_short check (case when length(subject) between 1 and 200 then true
    else rowbell.refuse('subject_is_short', 'subject', format('the subject has %s characters', length(subject)),
      'Use 1 to 200 characters; it becomes created_by of the tasks.', 'tokens') end),
  constraint role_is_known check (case when role in ('admin', 'operator', 'producer', 'reader') then true
    else rowbell.refuse('role_is_known', 'role', format('there is no role %L', left(role, 80)),
      'Use admin, operator, producer or reader.', 'tokens') end),
  constraint audiences_are_listed check (case
    when audiences = '{}' then true
    when array_ndims(audiences) = 1 and cardinality(audiences) <= 100 and array_position(audiences, null) is null
      and octet_length(array_to_string(audiences, '')) <= 8192 then true
    else rowbell.refuse('audiences_are_listed', 'audiences', 'the audiences are no list of at most 100 names',
      'Use at most 100 names, none of them null, 8 KiB in all.', 'tokens') end)
);
comment on table rowbell.tokens is
  'API tokens, made by `rowbell token create`. The secret is nowhere: only its digest. rowbell.token_overview is for reading.';
comment on column rowbell.tokens.id is 'Which token: `rowbell token revoke` takes it.';
comment on column rowbell.tokens.name is 'Who or what it is for, in words.';
comment on column rowbell.tokens.subject is 'In whose name it acts: becomes created_by of its tasks.';
comment on column rowbell.tokens.role is 'admin, operator, producer or reader.';
comment on column rowbell.tokens.audiences is 'Tasks whose audience overlaps these can be seen.';
comment on column rowbell.tokens.digest is 'SHA-256 of the whole token, which has 256 random bits.';
comment on column rowbell.tokens.created_by is 'Who made it.';
comment on column rowbell.tokens.created_at is 'When.';
comment on column rowbell.tokens.expires_at is 'Not taken from this instant on; null: never expires.';
comment on column rowbell.tokens.revoked_at is 'Not taken since this instant; null: it is not revoked.';
comment on column rowbell.tokens.last_used_at is 'When it was last used, to a minute; null: never.';
comment on constraint tokens_pkey on rowbell.tokens is 'One row a token.';
comment on constraint tokens_digest on rowbell.tokens is 'How a token is found.';
comment on constraint digest_is_a_sha256 on rowbell.tokens is 'No secret by mistake.';
comment on constraint name_is_short on rowbell.tokens is '1 to 200 characters.';
comment on constraint subject_is_short on rowbell.tokens is '1 to 200 characters, as created_by of a task.';
comment on constraint role_is_known on rowbell.tokens is 'One of the four.';
comment on constraint audiences_are_listed on rowbell.tokens is 'As the audience of a task.';

-- Who sees only some tasks must not read all of them to find these.
create index tasks_created_by on rowbell.tasks (created_by, id);
comment on index rowbell.tasks_created_by is 'Tasks of one subject, newest first.';
create index tasks_audience on rowbell.tasks using gin (audience) where audience <> '{}';
comment on index rowbell.tasks_audience is 'Tasks that an audience shares; those without one cost nothing here.';
