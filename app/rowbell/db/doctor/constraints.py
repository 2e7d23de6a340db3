"""Are all constraints there? Without one, rows get in that no worker can make sense of."""

import re
from collections.abc import Iterable

from rowbell.db.doctor.finding import Answer, problem
from rowbell.db.doctor.patient import Patient
from rowbell.db.migrate import SchemaFile, schema_files

_STEP = re.compile(
    r"^(?:create (?:unlogged )?|alter )table (?:if (?:not )?exists )?rowbell\.(?P<table>\w+)"
    r"|drop constraint (?:if exists )?(?P<dropped>\w+)"
    r"|^drop table (?:if exists )?rowbell\.(?P<gone>\w+)"
    r"|(?<!drop )constraint (?P<made>\w+) (?P<what>check|primary key|unique) (?=\()",
    re.MULTILINE,
)
_TEXT_OR_PARENTHESIS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|[()]")
_THERE = """
select c.relname, k.conname from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid where c.relnamespace = 'rowbell'::regnamespace
"""


async def constraints(patient: Patient) -> Answer:
    """Every CHECK, primary key and unique constraint that the applied migrations have made."""
    rows = await patient.connection.fetch("select path from rowbell.schema_files")
    applied = {row[0] for row in rows}
    wanted = of_migrations(file for file in schema_files() if file.path in applied)
    there = {tuple(row) for row in await patient.connection.fetch(_THERE)}
    return Answer(
        f"{len(wanted)} constraints are there",
        [
            problem(
                "constraint.missing",
                f"The constraint {name} of rowbell.{table} is missing: unsound rows get in.",
                sql=f"alter table rowbell.{table} add constraint {name} {definition};",
            )
            for (table, name), definition in wanted.items()
            if (table, name) not in there
        ],
    )


def of_migrations(files: Iterable[SchemaFile]) -> dict[tuple[str, str], str]:
    """Table and constraint to its definition. A CHECK is NOT VALID: it holds from now on."""
    wanted: dict[tuple[str, str], str] = {}
    for file in files:
        table = ""
        for step in _STEP.finditer(file.text) if file.is_migration else ():
            if step["table"]:
                table = step["table"]
            elif step["dropped"]:
                wanted.pop((table, step["dropped"]), None)
            elif step["gone"]:
                wanted = {key: each for key, each in wanted.items() if key[0] != step["gone"]}
            else:
                body = _in_parentheses(file.text, step.end())
                after = " not valid" if step["what"] == "check" else ""
                wanted[(table, step["made"])] = f"{step['what']} {body}{after}"
    return wanted


def _in_parentheses(text: str, start: int) -> str:
    """From the parenthesis at `start` to its partner, on one line."""
    depth = 0
    for found in _TEXT_OR_PARENTHESIS.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if not depth:
            return " ".join(text[start : found.end()].split())
    raise ValueError(f"no end of {text[start : start + 40]}")
