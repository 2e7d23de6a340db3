"""call rowbell.wait(…) and rowbell.tail(), as a DBA uses them in psql."""

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import asyncpg
import pytest
from rows import claim, insert, register

from rowbell.db.embedded import psql_path

from deadline import DEADLINE_SECONDS

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "PGAPPNAME": "psql"}
WAITING = (
    "select exists (select from pg_stat_activity where pid <> pg_backend_pid()"
    " and datname = current_database() and query like '%rowbell.wait%')"
)


def start(url: str, sql: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [psql_path(), "-XqAt", "-v", "ON_ERROR_STOP=1", url, "-c", sql],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


def psql(url: str, sql: str) -> str:
    with start(url, sql) as process:
        out, error = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0, error
    return out.strip()


async def run(connection: asyncpg.Connection) -> int:
    """A task in its first attempt, now."""
    worker = await register(connection, at=datetime.now(UTC))
    (task,) = await insert(connection)
    assert len(await claim(connection, worker)) == 1
    return task


async def until(connection: asyncpg.Connection, question: str) -> None:
    while not await connection.fetchval(question):
        pass


async def test_a_wait_ends_when_the_task_does(
    connection: asyncpg.Connection, database_url: str
) -> None:
    task = await run(connection)
    with start(database_url, f"call rowbell.wait({task}, '20 s')") as waiting:
        await until(connection, WAITING)
        await connection.execute("select rowbell.complete($1, $2, $3)", [task], [1], ['{"a": 1}'])
        out, error = waiting.communicate(timeout=DEADLINE_SECONDS)
    assert (out.strip(), error) == ('COMPLETED|{"a": 1}|', "")


async def test_a_wait_holds_no_snapshot_for_long(
    connection: asyncpg.Connection, database_url: str
) -> None:
    task = await run(connection)
    with start(database_url, f"call rowbell.wait({task}, '20 s')") as waiting:
        await until(connection, WAITING)
        began = "select min(xact_start) from pg_stat_activity where query like 'call rowbell.wait%'"
        first = await connection.fetchval(began)
        await until(connection, f"select ({began}) > '{first.isoformat()}'")
        waiting.terminate()


async def test_a_wait_whose_time_is_up_tells_where_the_task_stands(
    connection: asyncpg.Connection, database_url: str
) -> None:
    task = await run(connection)
    assert psql(database_url, f"call rowbell.wait({task}, '50 ms')") == "PROCESSING||"


async def test_a_wait_for_no_task_is_refused(connection: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.PostgresError) as caught:
        await connection.execute("call rowbell.wait(404)")
    assert caught.value.sqlstate == "RB404"


@pytest.mark.parametrize("role", ["rowbell_producer", "rowbell_reader"])
async def test_producers_and_readers_may_wait(
    connection: asyncpg.Connection, login_url: Callable[..., Awaitable[str]], role: str
) -> None:
    (task,) = await insert(connection)
    await connection.execute("select rowbell.cancel($1)", task)
    assert psql(await login_url(role), f"call rowbell.wait({task})").startswith("CANCELLED")


TAIL = "select event::text, task from rowbell.tail()"


async def tail(connection: asyncpg.Connection) -> list[tuple[str, int]]:
    return [tuple(row) for row in await connection.fetch(TAIL)]


async def test_a_tail_begins_with_the_last_entries_and_goes_on_with_what_is_new(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    tasks = await insert(other, count=30)
    assert await tail(connection) == [("CREATED", task) for task in tasks[-20:]]
    assert await tail(connection) == []
    await other.execute("select rowbell.cancel($1)", tasks[0])
    assert await tail(connection) == [("CANCELLED", tasks[0])]
    assert await tail(connection) == []


async def test_a_tail_misses_nothing_that_commits_late(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    await tail(connection)
    late = other.transaction()
    await late.start()
    (held,) = await insert(other)
    (quick,) = await insert(connection)
    assert await tail(connection) == [("CREATED", quick)]
    await late.commit()
    assert await tail(connection) == [("CREATED", held)]


async def test_a_tail_that_is_cut_goes_on_where_it_was_cut(connection: asyncpg.Connection) -> None:
    await tail(connection)
    tasks = await insert(connection, count=25)
    told = []
    for _ in range(4):
        rows = await connection.fetch("select task from rowbell.tail(most => 10)")
        told += [row[0] for row in rows]
    assert told == tasks


async def test_a_tail_of_one_task_tells_of_no_other(connection: asyncpg.Connection) -> None:
    one, other = await insert(connection, count=2)
    first = await connection.fetch("select task from rowbell.tail($1)", one)
    await connection.execute("select rowbell.cancel(id) from rowbell.tasks")
    rows = await connection.fetch("select event::text, task from rowbell.tail($1)", one)
    assert [row[0] for row in first] == [one]
    assert [tuple(row) for row in rows] == [("CANCELLED", one)]
    assert other


async def test_watch_prints_each_entry_once(
    connection: asyncpg.Connection, database_url: str
) -> None:
    """psql's \\watch runs the statement again and again in one session."""
    tasks = await insert(connection, count=2)
    script = "select task from rowbell.tail() \\watch i=0.05 c=3\n"
    done = await asyncio.to_thread(
        subprocess.run,
        [psql_path(), "-XqAt", database_url],
        input=script,
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRONMENT,
    )
    lines = done.stdout.splitlines()
    assert [int(line) for line in lines if line.isdigit()] == tasks


async def test_only_readers_tail(
    connection: asyncpg.Connection, login: Callable[..., Awaitable[asyncpg.Connection]]
) -> None:
    await insert(connection)
    assert len(await tail(await login("rowbell_reader"))) == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await tail(await login("rowbell_producer"))
