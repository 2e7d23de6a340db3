"""Are all indexes there? Without one, a claim reads the whole backlog."""

import re
from collections.abc import Iterable

from rowbell.db.doctor.finding import Answer, problem
from rowbell.db.doctor.patient import Patient
from rowbell.db.migrate import SchemaFile, schema_files

_STATEMENT = re.compile(
    r"^(?:create (?:unique )?index (?:if not exists )?(?P<made>\w+) on rowbell\.[^;]*;"
    r"|drop index (?:if exists )?rowbell\.(?P<dropped>\w+)"
    r"|alter index rowbell\.(?P<renamed>\w+) rename to (?P<to>\w+))",
    re.MULTILINE,
)
_THERE = """
select c.relname from pg_catalog.pg_class c
where c.relnamespace = 'rowbell'::regnamespace and c.relkind in ('i', 'I')
"""


async def indexes(patient: Patient) -> Answer:
    """Every index that the applied migrations have made is there."""
    rows = await patient.connection.fetch("select path from rowbell.schema_files")
    applied = {row[0] for row in rows}
    wanted = of_migrations(file for file in schema_files() if file.path in applied)
    there = {row[0] for row in await patient.connection.fetch(_THERE)}
    return Answer(
        f"{len(wanted)} indexes are there",
        [
            problem(
                "index.missing",
                f"The index rowbell.{name} is missing: statements read whole tables instead.",
                sql=statement,
            )
            for name, statement in wanted.items()
            if name not in there
        ],
    )


def of_migrations(files: Iterable[SchemaFile]) -> dict[str, str]:
    """Index to the statement that makes it without stopping INSERTs."""
    wanted: dict[str, str] = {}
    for file in files:
        for found in _STATEMENT.finditer(file.text) if file.is_migration else ():
            if found["made"]:
                wanted[found["made"]] = _concurrently(found[0])
            elif found["dropped"]:
                wanted.pop(found["dropped"], None)
            elif statement := wanted.pop(found["renamed"], None):
                wanted[found["to"]] = statement.replace(found["renamed"], found["to"], 1)
    return wanted


def _concurrently(statement: str) -> str:
    return re.sub(r" index (?=\w)", " index concurrently ", " ".join(statement.split()), count=1)
