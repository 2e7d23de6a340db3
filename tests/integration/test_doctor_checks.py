"""The checks of the doctor one by one, where a whole command would prove less."""

import asyncio
import dataclasses
import os
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from rowbell.cli.doctor.rounds import CHECKS, Check, Needs, examine
from rowbell.db.doctor import grants
from rowbell.db.doctor.constraints import constraints
from rowbell.db.doctor.constraints import of_migrations as of_files
from rowbell.db.doctor.finding import Answer
from rowbell.db.doctor.indexes import indexes, of_migrations
from rowbell.db.doctor.objects import objects
from rowbell.db.doctor.patient import Patient
from rowbell.db.migrate import SchemaFile, schema_files
from rowbell.errors import Unavailable

from deadline import DEADLINE_SECONDS
from integration.conftest import StartEngine, Tasks, both_servers
from postgres import Server

SLOW = [check for check in CHECKS if check.name in ("listen", "objects", "canary")]
"""Those that clear something away at their end: it could wait for the same dead server."""


@pytest.fixture
async def patient(database_url: str) -> AsyncIterator[Patient]:
    patient = await Patient.meet(database_url)
    yield patient
    await patient.leave()


async def noop() -> None:
    """Nothing to do."""


@both_servers
async def test_a_check_that_gets_no_answer_ends_in_its_time_and_the_next_one_is_made(
    patient: Patient,
) -> None:
    async def hang(patient: Patient) -> Answer:
        await patient.connection.execute("select pg_sleep(600)")
        return Answer("")

    late = await examine(patient, Check("hang", hang, Needs.NOTHING, seconds=0.2))
    assert late.findings[0].sentence == "PostgreSQL did not answer within 0.2 s."
    assert late.seconds < DEADLINE_SECONDS
    assert (await examine(patient, CHECKS[0])).verdict == "fine"


@both_servers
async def test_a_check_whose_session_is_ended_is_told_and_the_next_one_is_made(
    patient: Patient, connection: asyncpg.Connection
) -> None:
    async def die(patient: Patient) -> Answer:
        await patient.connection.execute("select pg_terminate_backend(pg_backend_pid())")
        return Answer("")

    result = await examine(patient, Check("die", die, Needs.NOTHING))
    assert result.findings[0].sentence.startswith("The check could not be made")
    assert (await examine(patient, CHECKS[0])).verdict == "fine"


@pytest.mark.parametrize("check", SLOW, ids=[check.name for check in SLOW])
async def test_no_check_hangs_on_a_server_that_froze(
    server: Server, patient: Patient, check: Check
) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        with server.frozen(), pytest.raises(Unavailable):
            await examine(patient, dataclasses.replace(check, seconds=0.1))


@both_servers
async def test_every_object_of_a_fresh_schema_is_as_it_was_made_on_every_server(
    patient: Patient,
) -> None:
    answer = await objects(patient)
    assert list(answer.findings) == []
    files = [
        f for f in schema_files() if f.path.split("/")[0] in ("functions", "triggers", "views")
    ]
    assert answer.said.startswith(f"{len(files)} functions")


@both_servers
async def test_looking_at_objects_leaves_nothing_behind_and_locks_no_insert(
    patient: Patient, connection: asyncpg.Connection
) -> None:
    count = "select count(*) from pg_class where relnamespace = pg_my_temp_schema()"
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("insert into rowbell.tasks (kind) values ('echo')")
    await connection.execute("lock table rowbell.tasks in row exclusive mode")
    assert list((await objects(patient)).findings) == []  # waits for nobody
    await transaction.rollback()
    assert await patient.connection.fetchval(count) == 0


async def test_any_single_object_that_is_missing_is_named(
    patient: Patient, connection: asyncpg.Connection
) -> None:
    names = await connection.fetch(
        "select oid::regprocedure::text from pg_proc where pronamespace = 'rowbell'::regnamespace"
        " and prokind = 'f' and proname in ('ago', 'claim', 'explain', 'journal_place')"
    )
    for (name,) in names:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(f"drop function {name} cascade")
        looker = Patient(**{**_fields(patient), "connection": connection})
        named = [finding.sentence for finding in (await objects(looker)).findings]
        plain = name.partition("(")[0]
        assert f"The function {plain} is missing." in named
        await transaction.rollback()


def _fields(patient: Patient) -> dict[str, object]:
    return {name: getattr(patient, name) for name in Patient.__slots__}


@both_servers
async def test_every_index_of_the_migrations_is_there(patient: Patient) -> None:
    answer = await indexes(patient)
    assert list(answer.findings) == []
    assert int(answer.said.split()[0]) >= 15


def test_an_index_that_a_later_migration_drops_or_renames_is_not_asked_for() -> None:
    first = "create index a on rowbell.tasks (id);\ncreate unique index b on rowbell.tasks (kind);"
    second = "drop index rowbell.a;\nalter index rowbell.b rename to c;\n"
    files = [SchemaFile("migrations/1.sql", first), SchemaFile("migrations/2.sql", second)]
    assert of_migrations(files) == {
        "c": "create unique index concurrently c on rowbell.tasks (kind);"
    }


def test_every_grant_of_the_file_is_looked_for() -> None:
    (text,) = [file.text for file in schema_files() if file.path == "grants.sql"]
    statements = [line.strip() for line in text.splitlines() if line.strip().startswith("'grant ")]
    read = [found[0].strip("'") for found in grants._STATEMENT.finditer(text)]
    assert len(read) == len(statements) > 15
    wanted = grants.wanted()
    assert {grant.role for grant in wanted} == {f"rowbell_{role}" for role in grants.ROLES}
    assert {grant.kind for grant in wanted} == {
        "table", "function", "schema", "tables", "functions"
    }  # fmt: skip


@both_servers
async def test_a_fresh_schema_lacks_no_grant(patient: Patient) -> None:
    assert list((await grants.grants(patient)).findings) == []


@both_servers
async def test_a_login_without_the_role_of_the_service_is_told_so(
    patient: Patient, connection: asyncpg.Connection
) -> None:
    await connection.execute("set role rowbell_reader")
    looker = Patient(**{**_fields(patient), "connection": connection})
    (finding,) = (await grants.grants(looker)).findings
    assert finding.remedy == 'grant rowbell_service to "rowbell_reader";'


@both_servers
async def test_a_worker_tells_its_clock_and_its_modules(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(noop)
    query = "select clock_ahead from rowbell.workers where process = $1 and host = $2"
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            ahead = await tasks.connection.fetchval(query, os.getpid(), socket.gethostname())
            if ahead is not None:
                break
    assert abs(ahead) < timedelta(seconds=2)
    module = await tasks.connection.fetchval("select module from rowbell.kinds where name = 'noop'")
    assert module == __name__


@pytest.mark.parametrize("topic", [check.name for check in CHECKS])
def test_every_check_is_documented(topic: str) -> None:

    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    assert f"| `{topic}` |" in page


async def test_every_constraint_of_the_migrations_is_there(patient: Patient) -> None:
    answer = await constraints(patient)
    assert list(answer.findings) == []
    assert int(answer.said.split()[0]) >= 50


def test_a_constraint_that_a_later_migration_replaces_is_asked_for_as_it_is_there() -> None:
    first = (
        "create table rowbell.a (\n  id int,\n  constraint low check (id > 0),  -- a ( of prose\n"
        "  constraint one check (id <> ascii(')')),\n  constraint a_pkey primary key (id)\n);\n"
    )
    second = (
        "alter table rowbell.a\n  drop constraint low,\n  add constraint high check (id < 9);\n"
    )
    files = [SchemaFile("migrations/1.sql", first), SchemaFile("migrations/2.sql", second)]
    assert of_files(files) == {
        ("a", "one"): "check (id <> ascii(')')) not valid",
        ("a", "a_pkey"): "primary key (id)",
        ("a", "high"): "check (id < 9) not valid",
    }
