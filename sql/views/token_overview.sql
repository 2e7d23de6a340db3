drop view if exists rowbell.token_overview;
create view rowbell.token_overview as
select
  t.id, t.name,
  case when t.revoked_at is not null then 'revoked' when t.expires_at <= now() then 'expired' else 'valid' end as state,
  t.subject, t.role, t.audiences, t.created_by, t.created_at, t.expires_at, t.revoked_at, t.last_used_at
from rowbell.tokens t;
comment on view rowbell.token_overview is 'One line an API token, without its digest.';
comment on column rowbell.token_overview.id is 'As in rowbell.tokens.';
comment on column rowbell.token_overview.name is 'As in rowbell.tokens.';
comment on column rowbell.token_overview.state is 'valid, expired or revoked.';
comment on column rowbell.token_overview.subject is 'In whose name it acts.';
comment on column rowbell.token_overview.role is 'admin, operator, producer or reader.';
comment on column rowbell.token_overview.audiences is 'Tasks whose audience overlaps these can be seen.';
comment on column rowbell.token_overview.created_by is 'Who made it.';
comment on column rowbell.token_overview.created_at is 'When.';
comment on column rowbell.token_overview.expires_at is 'From when on it is not taken; null: never expires.';
comment on column rowbell.token_overview.revoked_at is 'Since when it is not taken; null: it is not revoked.';
comment on column rowbell.token_overview.last_used_at is 'When it was last used, to a minute.';
