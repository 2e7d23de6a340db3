"""The session that hears bells, as a place for claims."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from rowbell.db.pool import UNPREPARED
from rowbell.db.session import Session
from rowbell.errors import RowbellError, Unavailable

from deadline import DEADLINE_SECONDS
from integration.conftest import StartEngine, Tasks, both_servers

pytestmark = both_servers

PROCESS = "select pg_backend_pid()"


async def echo() -> None:
    """Do nothing."""


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[Session]:
    session = Session(await asyncpg.connect(database_url, **UNPREPARED), DEADLINE_SECONDS)
    await session.begin()
    yield session
    await session.close()


async def test_task_that_is_rung_is_claimed_where_the_bell_was_heard(
    start_engine: StartEngine, tasks: Tasks, connection: asyncpg.Connection
) -> None:
    await start_engine(echo)
    for _ in range(2):  # the second time its statement is prepared
        await tasks.until_status(await tasks.insert("echo"), "COMPLETED")
    told = await connection.fetch("select application from rowbell.journal where event = 'STARTED'")
    assert [row[0] for row in told] == ["rowbell listener"] * 2


async def test_task_that_a_sweep_found_is_claimed_elsewhere(
    start_engine: StartEngine, tasks: Tasks, connection: asyncpg.Connection
) -> None:
    await start_engine(echo, sweep_seconds=0.5)
    await connection.execute("alter table rowbell.tasks disable trigger bell_for_inserts")
    await tasks.until_status(await tasks.insert("echo"), "COMPLETED")
    told = await connection.fetch("select application from rowbell.journal where event = 'STARTED'")
    assert [row[0] for row in told] == ["rowbell engine claims"]


async def test_error_of_postgresql_leaves_the_session_in_use(session: Session) -> None:
    ((process,),) = await session.fetch(PROCESS, seconds=DEADLINE_SECONDS)
    with pytest.raises(RowbellError, match="division by zero"):
        await session.fetch("select 1 / $1::int", 0, seconds=DEADLINE_SECONDS)
    assert await session.fetch(PROCESS, seconds=DEADLINE_SECONDS) == [(process,)]
    assert session.is_free


async def test_statement_whose_result_has_changed_is_prepared_again(
    session: Session, connection: asyncpg.Connection
) -> None:
    await connection.execute("create table public.changing (a integer)")
    statement = "select * from public.changing"
    await session.fetch(statement, seconds=DEADLINE_SECONDS)
    await connection.execute("alter table public.changing add b integer")
    with pytest.raises(RowbellError):
        await session.fetch(statement, seconds=DEADLINE_SECONDS)
    assert await session.fetch(statement, seconds=DEADLINE_SECONDS) == []


async def test_session_that_has_ended_still_says_which_process_it_had(session: Session) -> None:
    ((process,),) = await session.fetch(PROCESS, seconds=DEADLINE_SECONDS)
    session.terminate()
    await asyncio.sleep(0)  # asyncpg lets go of it
    assert session.process == process


async def test_statement_that_was_given_up_ends_the_session(session: Session) -> None:
    waiting = asyncio.create_task(session.fetch("select pg_sleep(60)", seconds=60))
    async with asyncio.timeout(DEADLINE_SECONDS):
        while session.is_free:
            await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not session.is_free
    with pytest.raises(Unavailable):
        await session.fetch(PROCESS, seconds=DEADLINE_SECONDS)
