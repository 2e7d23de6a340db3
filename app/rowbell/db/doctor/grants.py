"""Do the roles exist, and have they what sql/grants.sql gives them?"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from rowbell.db.doctor.finding import Answer, Finding, problem, warning
from rowbell.db.doctor.patient import Patient
from rowbell.db.migrate import schema_files

ROLES = ("reader", "producer", "operator", "service", "viewer")
_STATEMENT = re.compile(
    r"'grant (?P<what>[^']+?) on (?P<kind>schema |function |procedure |all tables in schema |"
    r"all functions in schema |all routines in schema )?(?P<objects>[^']+?) to (?P<roles>[^']+)'"
)
_PRIVILEGE = re.compile(r"(\w+)(?: \(([^)]*)\))?(?:, |$)")
_ROUTINE = re.compile(r"rowbell\.\w+\([^)]*\)")
_MISSING_ROLES = """
select r from unnest($1::text[]) r where not exists (select from pg_roles where rolname = r)
"""

# The rights of members count; what does not exist is told elsewhere. Partitions are reached
# through their table, and nobody but the owner reads the digests of tokens.
_LACKING = """
with wanted as materialized (
  select w.role, w.privilege, w.kind, w.object, w.columns,
    case when w.kind = 'table' then to_regclass(w.object) end as relation,
    case when w.kind = 'function' then to_regprocedure(w.object) end as routine
  from jsonb_to_recordset($1::text::jsonb)
    w (role text, privilege text, kind text, object text, columns text[])),
tables as materialized (
  select w.role, w.privilege, format('rowbell.%I', c.relname) as object, c.oid
  from wanted w join pg_catalog.pg_class c on c.relnamespace = 'rowbell'::regnamespace
    and c.relkind in ('r', 'p', 'v') and not c.relispartition
  where w.columns is null and w.relation = c.oid or w.kind = 'tables' and c.relname <> 'tokens'),
functions as materialized (
  select w.role, p.oid, p.prokind from wanted w
  join pg_catalog.pg_proc p on p.pronamespace = 'rowbell'::regnamespace
  where w.routine = p.oid or w.kind = 'functions' and p.prokind = 'f')
select role, format('grant %s on %s to %I;', lower(privilege), object, role) from tables
where not has_table_privilege(role, oid, privilege)
union
select w.role, format('grant %s (%s) on %s to %I;',
  lower(w.privilege), string_agg(c, ', '), w.object, w.role)
from wanted w cross join unnest(w.columns) c
where case when w.relation is not null
  then not has_column_privilege(w.role, w.relation, c, w.privilege) end
group by w.role, w.privilege, w.object
union
select role, format('grant execute on %s %s to %I;',
  case prokind when 'p' then 'procedure' else 'function' end, oid::regprocedure, role)
from functions where not has_function_privilege(role, oid, 'execute')
union
select role, format('grant usage on schema rowbell to %I;', role) from wanted
where kind = 'schema' and not has_schema_privilege(role, 'rowbell', 'usage')
order by 1, 2
"""
_MEMBERS = (
    ("rowbell_operator", "rowbell_reader"),
    ("rowbell_service", "rowbell_operator"),
    ("rowbell_service", "rowbell_viewer"),
)
_OWN = """
select current_user, pg_has_role('rowbell_service', 'member')
  or pg_has_role((select nspowner from pg_namespace where nspname = 'rowbell'), 'usage')
"""


@dataclass(frozen=True, slots=True)
class Grant:
    role: str
    privilege: str
    kind: str
    """table, function, schema; tables, functions: all of them."""
    object: str
    columns: list[str] | None = None


async def grants(patient: Patient) -> Answer:
    """Roles, their memberships and rights; and whether this login has what the service needs."""
    names = [f"rowbell_{role}" for role in ROLES]
    said = f"{len(names)} roles have their rights"
    if missing := [row[0] for row in await patient.connection.fetch(_MISSING_ROLES, names)]:
        return Answer(said, [_without(missing)])
    findings = [*await _lacking(patient), *await _members(patient)]
    user, may_serve = await patient.connection.fetchrow(_OWN)
    if not may_serve:
        sentence = f"The login {user} is no member of rowbell_service: no service can run as it."
        findings.append(warning("role.login", sentence, sql=f'grant rowbell_service to "{user}";'))
    return Answer(said, findings)


def wanted() -> list[Grant]:
    """Every right that sql/grants.sql gives."""
    (text,) = [file.text for file in schema_files() if file.path == "grants.sql"]
    return [grant for found in _STATEMENT.finditer(text) for grant in _of(found)]


def _of(found: re.Match[str]) -> Iterator[Grant]:
    kind = (found["kind"] or "").strip()
    for role in found["roles"].split(", "):
        if kind in ("function", "procedure"):
            for routine in _ROUTINE.findall(found["objects"]):
                yield Grant(role, "execute", "function", routine)
        elif kind == "schema":
            yield Grant(role, "usage", "schema", "rowbell")
        elif kind.startswith("all"):
            what = "tables" if "tables" in kind else "functions"
            yield Grant(role, found["what"], what, "rowbell")
        else:
            for table in found["objects"].split(", "):
                for privilege, columns in _PRIVILEGE.findall(found["what"]):
                    listed = columns.split(", ") if columns else None
                    yield Grant(role, privilege, "table", table, listed)


async def _lacking(patient: Patient) -> list[Finding]:
    rows = await patient.connection.fetch(_LACKING, orjson.dumps(wanted()).decode())
    return [
        problem("grant.missing", f"The role {role} lacks {_right(statement)}.", sql=statement)
        for role, statement in rows
    ]


def _right(statement: str) -> str:
    return statement.removeprefix("grant ").rpartition(" to ")[0]


async def _members(patient: Patient) -> list[Finding]:
    return [
        problem(
            "grant.missing", f"{group} is not granted to {role}.", sql=f"grant {group} to {role};"
        )
        for role, group in _MEMBERS
        if not await patient.connection.fetchval(
            "select pg_has_role($1::name, $2::name, 'member')", role, group
        )
    ]


def _without(missing: list[str]) -> Finding:
    sentence = (
        f"These roles are missing: {', '.join(missing)}. Whoever may create roles applies the"
        " grants again."
    )
    return problem("role.missing", sentence, command="rowbell migrate --reapply grants.sql")
