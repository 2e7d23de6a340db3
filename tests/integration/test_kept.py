"""The connection that is kept for claims and heartbeats."""

import asyncio

import pytest

from rowbell.db import tasks
from rowbell.db.pool import Database
from rowbell.errors import RowbellError, Unavailable


async def ask(database: Database) -> int:
    async with database.kept() as connection:
        return int(await connection.fetchval("select pg_backend_pid()"))


async def test_connection_that_was_ended_is_opened_again(database: Database) -> None:
    first = await ask(database)
    with pytest.raises(Unavailable):
        async with database.kept() as connection:
            await connection.execute("select pg_terminate_backend(pg_backend_pid())")
    assert await ask(database) != first


async def test_error_of_postgresql_leaves_the_connection_in_use(database: Database) -> None:
    first = await ask(database)
    with pytest.raises(RowbellError, match="not registered"):
        await tasks.claim(database, "default", 4711, 1, ["echo"])
    assert await ask(database) == first


async def test_statement_that_was_given_up_takes_its_connection_along(database: Database) -> None:
    first = await ask(database)
    began = asyncio.Event()

    async def wait() -> None:
        async with database.kept() as connection:
            began.set()
            await connection.execute("select pg_sleep(60)")

    waiting = asyncio.create_task(wait())
    await began.wait()
    await asyncio.sleep(0)  # it is sent
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await ask(database) != first


@pytest.mark.parametrize("end", ["close", "hang_up"])
async def test_after_its_end_a_process_opens_no_connection(database: Database, end: str) -> None:
    await ask(database)
    if end == "close":
        await database.close()
    else:
        database.hang_up()
    with pytest.raises(Unavailable):
        await ask(database)
