"""A bell that is off is named, with the SQL that mends it; and restores, which may leave it off."""

import asyncio
import os
import subprocess

import asyncpg
import pytest
from rows import Ear, insert

from rowbell.db.migrate import migrate

from postgres import Server

BELLS = [
    ("bell_for_inserts", "tasks"),
    ("bell_for_updates", "tasks"),
    ("bell_for_queues", "queues"),
    ("bell_for_schedules", "schedules"),
    ("bell_for_new_schedules", "schedules"),
    ("journal_inserts", "tasks"),
    ("journal_updates", "tasks"),
    ("journal_deletes", "tasks"),
    ("check_inserts", "tasks"),
    ("keep_audiences_of_updates", "tasks"),
    ("keep_audiences_of_deletes", "tasks"),
    ("totals_of_truncates", "tasks"),
]
PROBLEM = "select rowbell.bell_problem()"


async def test_there_is_no_problem_with_a_fresh_schema(connection: asyncpg.Connection) -> None:
    assert await connection.fetchval(PROBLEM) is None


@pytest.mark.parametrize(("trigger", "table"), BELLS)
async def test_a_disabled_bell_is_named_with_the_sql_that_mends_it(
    connection: asyncpg.Connection, trigger: str, table: str
) -> None:
    for how in ("disable", "enable", "enable replica"):
        await connection.execute(f"alter table rowbell.{table} {how} trigger {trigger}")
        problem = await connection.fetchval(PROBLEM)
        named, _, remedy = problem.partition(": ")
        assert named == f"trigger {trigger} is disabled"
        await connection.execute(remedy)
        assert await connection.fetchval(PROBLEM) is None


@pytest.mark.parametrize(("trigger", "table"), BELLS)
async def test_a_missing_bell_is_named_with_the_way_to_mend_it(
    connection: asyncpg.Connection, database_url: str, trigger: str, table: str
) -> None:
    await connection.execute(f"drop trigger {trigger} on rowbell.{table}")
    problem = await connection.fetchval(PROBLEM)
    named, _, remedy = problem.partition(": ")
    assert named == f"trigger {trigger} is missing"
    forget, then, _ = remedy.partition("; then run `rowbell migrate`")
    assert then
    await connection.execute(forget)
    assert f"triggers/{trigger}.sql" in await migrate(database_url)
    assert await connection.fetchval(PROBLEM) is None


async def test_two_problems_are_both_named(connection: asyncpg.Connection) -> None:
    await connection.execute("alter table rowbell.tasks disable trigger user")
    problem = await connection.fetchval(PROBLEM)
    assert "bell_for_inserts is disabled" in problem
    assert "bell_for_updates is disabled" in problem


async def test_a_dump_can_be_restored_into_an_empty_database(
    connection: asyncpg.Connection, database_url: str, empty_url: str, server: Server
) -> None:
    (task,) = await insert(connection, payload='{"a": 1}', audience=["ann"])
    await connection.execute("select rowbell.pause('reports')")
    await asyncio.to_thread(copy, server, database_url, empty_url)
    restored = await asyncpg.connect(empty_url)
    ear = await Ear.open(empty_url, "rowbell_bell")
    assert await restored.fetchval("select payload from rowbell.tasks where id = $1", task)
    assert await restored.fetchval(PROBLEM) is None
    assert await migrate(empty_url) == []
    with pytest.raises(asyncpg.CheckViolationError, match="is not a name"):
        await insert(restored, kind="No")
    assert await insert(restored) > [task]
    assert await ear.heard() == [("rowbell_bell", "default")]
    await ear.close()
    await restored.close()


def copy(server: Server, source: str, target: str) -> None:
    """pg_dump | psql, as a DBA would."""
    plain = {"PATH": os.defpath, "LC_ALL": "C"}
    dump = [str(server.binaries / "pg_dump"), source]
    text = subprocess.run(dump, check=True, capture_output=True, env=plain).stdout
    restore = [
        str(server.binaries / "psql"),
        "--no-psqlrc",
        "--quiet",
        "-v",
        "ON_ERROR_STOP=1",
        target,
    ]
    subprocess.run(restore, input=text, check=True, capture_output=True, env=plain)
