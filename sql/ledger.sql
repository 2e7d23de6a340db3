-- Which files of this folder were applied. `rowbell migrate` applies this one first, every time.
create schema if not exists rowbell;
create table if not exists rowbell.schema_files (
  path       text        not null,
  checksum   text        not null,
  version    text        not null,
  applied_at timestamptz not null default now(),
  constraint schema_files_pkey primary key (path)
);
comment on table rowbell.schema_files is 'The files of sql/ that were applied, with checksums. Kept by `rowbell migrate`.';
comment on column rowbell.schema_files.path is 'Path below sql/.';
comment on column rowbell.schema_files.checksum is 'SHA-256 of its text.';
comment on column rowbell.schema_files.version is 'Version of Rowbell that applied it.';
comment on column rowbell.schema_files.applied_at is 'When.';
comment on constraint schema_files_pkey on rowbell.schema_files is 'One row a file.';
