"""Are functions, triggers and views still what the files of sql/ say?

Each is made once more in the schema for temporary objects, compared by PostgreSQL's own catalogs,
and rolled back. So the comparison is exact on every version of PostgreSQL, needs nothing to be
stored, and locks nothing of the service.
"""

import re
from dataclasses import dataclass

import asyncpg

from rowbell.db.doctor.finding import Answer, Finding, note, problem
from rowbell.db.doctor.patient import Patient
from rowbell.db.migrate import SchemaFile, schema_files
from rowbell.db.pool import Connection
from rowbell.errors import ConfigurationError

_FUNCTION = re.compile(r"^create or replace (?:function|procedure) rowbell\.(\w+)", re.MULTILINE)
_VIEW = re.compile(r"^create view rowbell\.(\w+)", re.MULTILINE)
_TRIGGER = re.compile(r"^create or replace trigger (\w+)[^;]*? on rowbell\.(\w+)", re.MULTILINE)
_COMMENT = re.compile(r"^comment on ", re.MULTILINE)

_FUNCTIONS = """
select t.proname, r.oid is null
from pg_catalog.pg_proc t
left join pg_catalog.pg_proc r on r.pronamespace = 'rowbell'::regnamespace
  and r.proname = t.proname and r.proargtypes = t.proargtypes
where t.pronamespace = pg_my_temp_schema()
  and (r.prosrc, r.prokind, r.provolatile, r.prosecdef, r.proisstrict, r.prolang, r.proretset,
       r.prorettype, r.proconfig, r.proargnames, r.proallargtypes, pg_get_expr(r.proargdefaults, 0))
    is distinct from
      (t.prosrc, t.prokind, t.provolatile, t.prosecdef, t.proisstrict, t.prolang, t.proretset,
       t.prorettype, t.proconfig, t.proargnames, t.proallargtypes, pg_get_expr(t.proargdefaults, 0))
"""
_VIEWS = """
select t.relname, r.oid is null
from pg_catalog.pg_class t
left join pg_catalog.pg_class r on r.relnamespace = 'rowbell'::regnamespace
  and r.relname = t.relname and r.relkind = 'v'
where t.relnamespace = pg_my_temp_schema() and t.relkind = 'v'
  and (r.oid is null or r.reloptions is distinct from t.reloptions
       or pg_get_viewdef(r.oid) <> pg_get_viewdef(t.oid))
"""
_TRIGGERS = """
with found as (
  select c.relnamespace, c.relname, t.tgname, t.tgenabled, t.oid,
    regexp_replace(pg_get_triggerdef(t.oid), ' ON \\S+ ', ' ') as definition
  from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
  where not t.tgisinternal)
select t.tgname, r.oid is null, r.definition is distinct from t.definition, t.relname, t.tgenabled
from found t
left join found r on r.relnamespace = 'rowbell'::regnamespace and r.relname = t.relname
  and r.tgname = t.tgname
where t.relnamespace = pg_my_temp_schema()
  and (r.definition is distinct from t.definition or r.tgenabled <> t.tgenabled)
"""
_ENABLE = {"A": "enable always", "O": "enable", "R": "enable replica", "D": "disable"}


@dataclass(frozen=True, slots=True)
class Twin:
    """A file, and the statements that make its object once more."""

    path: str
    name: str
    statements: str


async def objects(patient: Patient) -> Answer:
    """Every function, trigger and view is there, and as this version has it."""
    if patient.is_read_only:
        return Answer("not compared: the server is read-only", is_skipped=True)
    twins = _twins(await _applied(patient))
    said = f"{len(twins)} functions, triggers and views are as they were made"
    transaction = patient.connection.transaction()
    await transaction.start()
    try:
        await patient.connection.execute("set local check_function_bodies = off")
        broken = await _make(patient.connection, twins)
        return Answer(said, await _compare(patient.connection, twins, broken))
    except asyncpg.InsufficientPrivilegeError as error:
        return Answer("not compared", [note("schema.unseen", f"This role may not look: {error}.")])
    finally:
        if not patient.connection.is_closed():
            await transaction.rollback()


async def _applied(patient: Patient) -> list[SchemaFile]:
    """What is pending is told elsewhere."""
    try:
        pending = {file.path for file in await patient.pending()}
    except ConfigurationError:
        return []  # the schema of a newer version: there is nothing to compare it with
    return [file for file in schema_files() if file.path not in pending]


def _twins(files: list[SchemaFile]) -> list[Twin]:
    return [twin for file in files if (twin := _twin(file))]


def _twin(file: SchemaFile) -> Twin | None:
    text = _COMMENT.split(file.text)[0]
    if found := _FUNCTION.search(text):
        name = found[1]
        return Twin(file.path, name, _FUNCTION.sub(_temporary, text, count=1))
    if found := _VIEW.search(text):
        name = found[1]
        return Twin(file.path, name, f"create temp view {name}{text[found.end() :]}")
    if file.path.startswith("triggers/") and (found := _TRIGGER.search(text)):
        table = found[2]
        moved = re.sub(rf"\browbell\.{table}\b", f"pg_temp.{table}", text)
        copied = f"create temp table if not exists {table} (like rowbell.{table});"
        return Twin(file.path, found[1], f"{copied}\n{moved}")
    return None


def _temporary(found: re.Match[str]) -> str:
    return found[0].replace("rowbell.", "pg_temp.", 1)


async def _make(connection: Connection, twins: list[Twin]) -> list[Twin]:
    """All at once; if that fails, one by one, and those are returned that cannot be made."""
    try:
        async with connection.transaction():
            await connection.execute(";\n".join(twin.statements for twin in twins))
        return []
    except asyncpg.InsufficientPrivilegeError:
        raise
    except asyncpg.PostgresError:
        return [twin for twin in twins if not await _make_one(connection, twin)]


async def _make_one(connection: Connection, twin: Twin) -> bool:
    try:
        async with connection.transaction():
            await connection.execute(twin.statements)
    except asyncpg.PostgresError:
        return False
    return True


async def _compare(connection: Connection, twins: list[Twin], broken: list[Twin]) -> list[Finding]:
    paths = {(twin.path.partition("/")[0], twin.name): twin.path for twin in twins}
    found = []
    for name, is_missing in await connection.fetch(_FUNCTIONS):
        found.append(_drifted("function", name, paths[("functions", name)], is_missing=is_missing))
    for name, is_missing in await connection.fetch(_VIEWS):
        found.append(_drifted("view", name, paths[("views", name)], is_missing=is_missing))
    for name, is_missing, is_other, table, state in await connection.fetch(_TRIGGERS):
        if is_other:
            path = paths[("triggers", name)]
            found.append(_drifted("trigger", name, path, is_missing=is_missing))
        else:
            found.append(_disabled(name, table, state.decode()))
    found += [_lost(twin) for twin in broken]
    return found


def _drifted(what: str, name: str, path: str, *, is_missing: bool) -> Finding:
    state = "is missing" if is_missing else "was changed: it is not what this version has"
    return problem(
        f"{what}.{'missing' if is_missing else 'changed'}",
        f"The {what} rowbell.{name} {state}.",
        command=f"rowbell migrate --reapply {path}",
    )


def _disabled(trigger: str, table: str, state: str) -> Finding:
    return problem(
        "trigger.disabled",
        f"The trigger {trigger} of rowbell.{table} is not enabled as it should be.",
        sql=f"alter table rowbell.{table} {_ENABLE[state]} trigger {trigger};",
    )


def _lost(twin: Twin) -> Finding:
    """What it stands on is gone: mended together with that, which is named too."""
    return problem(
        "object.broken",
        f"sql/{twin.path} cannot be made: something that it needs is missing.",
        command=f"rowbell migrate --reapply {twin.path}",
    )
