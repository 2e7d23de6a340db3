create or replace trigger tell_of_tokens
after insert or delete or update of subject, role, audiences, digest, expires_at, revoked_at on rowbell.tokens
for each statement execute function rowbell.tell_of_tokens();
alter table rowbell.tokens enable always trigger tell_of_tokens;
comment on trigger tell_of_tokens on rowbell.tokens is
  'Tells API processes that a token was made, changed or taken back. Not of last_used_at.';
