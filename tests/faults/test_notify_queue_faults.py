"""Pitfall 7: a full queue of notifications fails every COMMIT that notifies. Not ours.

The servers of these tests have room for half a megabyte of notifications, not for 8 GB.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from rowbell.db.ears import Ears

from deadline import DEADLINE_SECONDS
from integration.conftest import StartEngine, Tasks, listening, soon, until_event
from postgres import Server, available

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
USAGE = "select pg_notification_queue_usage()"
NOTIFY = "select pg_notify('somebodys', repeat('x', 7900))"


@pytest.fixture(scope="module")
def narrow() -> Iterator[Server]:
    server = Server("packaged", available()["packaged"], "max_notify_queue_pages = 64")
    yield server
    server.remove()


@pytest.fixture
def server(narrow: Server) -> Server:
    """Instead of the servers that other tests use."""
    return narrow


@pytest.fixture
async def holder(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Somebody who LISTENs, and sits inside a transaction."""
    holder = await asyncpg.connect(database_url)
    await holder.execute("listen somebodys")
    await holder.execute("begin; select 1")
    yield holder
    await holder.close()


async def fill(connection: asyncpg.Connection) -> None:
    """Until PostgreSQL refuses; then with less and less, until nothing fits."""
    for size in (7900, 500, 1):
        with pytest.raises(asyncpg.ProgramLimitExceededError, match="too many notifications"):
            while True:
                await connection.execute("select pg_notify('somebodys', repeat('x', $1))", size)


async def test_listening_session_is_never_left_inside_a_transaction(
    database_url: str, connection: asyncpg.Connection
) -> None:
    """Pitfall 7: the listener itself is never what keeps notifications from being forgotten."""
    heard = asyncio.Queue[None]()
    async with listening(database_url, Ears(bell=lambda _: heard.put_nowait(None))) as listener:
        listener.watch(True)
        for _ in range(3):
            async with asyncio.timeout(DEADLINE_SECONDS):
                for _ in range(80):  # more than there is room for
                    await connection.execute(NOTIFY)
                    await connection.execute("insert into rowbell.tasks (kind) values ('echo')")
                    await heard.get()
        state = await connection.fetchval(
            "select state from pg_stat_activity"
            " where application_name = 'rowbell listener' and datname = current_database()"
        )
    assert state == "idle"
    assert await connection.fetchval(USAGE) < 0.1


async def noop() -> None:
    """Nothing to do."""


async def test_full_queue_of_notifications_fails_no_insert_and_is_named(
    holder: asyncpg.Connection, start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    """Pitfall 7: where somebody else has filled it, tasks wait for a sweep, which says why."""
    engine = await start_engine(noop)
    await fill(tasks.connection)
    task = await tasks.insert("noop", run_at=LONG_AGO)
    await tasks.until_status(task, "COMPLETED")
    problem = await tasks.connection.fetchval("select rowbell.bell_problem()")
    assert "more than half full" in problem
    query = problem.rpartition(": ")[2]
    assert (await tasks.connection.fetch(query))[0]["pid"] == holder.get_server_pid()
    await tasks.insert(
        "noop", run_at=await tasks.connection.fetchval("select now() - interval '1 minute'")
    )
    assert (await until_event(events, "bell.disabled"))["remedy"] == problem
    await tasks.connection.execute("select pg_terminate_backend($1)", holder.get_server_pid())
    await soon(engine.listener.ready)
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await tasks.connection.fetchval("select rowbell.bell_problem()"):
            await asyncio.sleep(0.01)


async def test_cancels_and_updates_do_not_fail_in_a_full_queue_either(
    holder: asyncpg.Connection,
    connection: asyncpg.Connection,
    start_engine: StartEngine,
    tasks: Tasks,
) -> None:
    """Pitfall 7: whatever of ours notifies does without where there is no room."""
    started = asyncio.Event()

    async def wait_for_ever() -> None:
        started.set()
        await asyncio.Event().wait()

    engine = await start_engine(wait_for_ever)
    engine.listener.watch(True)
    task = await tasks.insert("wait_for_ever")
    await soon(started)
    await fill(connection)
    await connection.execute("select rowbell.cancel($1)", task)
    await tasks.until_status(task, "CANCELLED")
    await connection.execute("select rowbell.retry($1)", task)
    await tasks.until_status(task, "PROCESSING")
    await connection.execute("select rowbell.pause('default')")
    await connection.execute("select rowbell.resume('default')")
