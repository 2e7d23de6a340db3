"""Every object of the schema explains itself: `\\d+` is the manual."""

import asyncpg

UNEXPLAINED = """
select 'schema ' || nspname from pg_namespace
where nspname = 'rowbell' and obj_description(oid, 'pg_namespace') is null
union all
select case when relkind in ('r', 'p') then 'table ' when relkind = 'v' then 'view '
  else 'index ' end || relname
from pg_class c
where relnamespace = 'rowbell'::regnamespace and relkind in ('r', 'p', 'v', 'i', 'I')
  and obj_description(oid, 'pg_class') is null
  and not exists (select from pg_constraint k where k.conindid = c.oid)  -- explained there
union all
select format('column %s.%s', relname, attname)
from pg_class c join pg_attribute a on a.attrelid = c.oid
where relnamespace = 'rowbell'::regnamespace and relkind in ('r', 'p', 'v')
  and attnum > 0 and not attisdropped and col_description(c.oid, attnum) is null
union all
select format('constraint %s of %s', conname, conrelid::regclass) from pg_constraint
where connamespace = 'rowbell'::regnamespace and contype <> 'n'  -- not null says it all
  and obj_description(oid, 'pg_constraint') is null
union all
select 'function ' || oid::regprocedure from pg_proc
where pronamespace = 'rowbell'::regnamespace and obj_description(oid, 'pg_proc') is null
union all
select format('trigger %s on %s', tgname, tgrelid::regclass)
from pg_trigger t join pg_class c on c.oid = t.tgrelid
where relnamespace = 'rowbell'::regnamespace and not tgisinternal
  and obj_description(t.oid, 'pg_trigger') is null
union all
select 'type ' || typname from pg_type
where typnamespace = 'rowbell'::regnamespace and typtype in ('e', 'd')
  and obj_description(oid, 'pg_type') is null
union all
select 'role ' || rolname from pg_roles
where rolname like 'rowbell\\_%' and shobj_description(oid, 'pg_authid') is null
"""


async def test_every_object_has_a_comment(connection: asyncpg.Connection) -> None:
    assert [row[0] for row in await connection.fetch(UNEXPLAINED)] == []


async def test_every_comment_is_a_sentence(connection: asyncpg.Connection) -> None:
    comments = await connection.fetch(
        "select d.description from pg_description d join pg_class c on c.oid = d.objoid"
        " where relnamespace = 'rowbell'::regnamespace"
    )
    assert [row[0] for row in comments if not row[0].endswith(".")] == []


async def test_the_columns_say_who_writes_them(connection: asyncpg.Connection) -> None:
    rows = await connection.fetch(
        "select attname, col_description(attrelid, attnum) as said,"
        " has_column_privilege('rowbell_producer', attrelid, attnum, 'insert') as insertable"
        " from pg_attribute where attrelid = 'rowbell.tasks'::regclass and attnum > 0"
    )
    told = {row["attname"] for row in rows if row["said"].startswith("INSERT: ")}
    assert told == {row["attname"] for row in rows if row["insertable"]}
