"""The network goes dark while a handler is within `context.transaction()`."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from rowbell import Context
from rowbell.engine.attempt import Ending

from faults.chaos.proxy import Proxy
from integration.conftest import StartEngine, Tasks, soon, start_engine, tasks
from postgres import Server

__all__ = ["start_engine", "tasks"]

MARGIN_SECONDS = 1.0
"""Between the end of an attempt and the lease that it must not outlast: a third of the shortest."""


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    proxy = Proxy(f"{server.folder}/.s.PGSQL.5432")
    await proxy.open()
    yield proxy
    proxy.lighten()
    await proxy.close()


@pytest.mark.parametrize("statement", ["select true", "select pg_sleep(60)"])
async def test_attempt_that_is_ended_in_the_dark_does_not_wait_for_its_rollback(
    statement: str, proxy: Proxy, database_url: str, start_engine: StartEngine, tasks: Tasks
) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def hang(context: Context) -> None:
        try:
            async with context.transaction() as tx:
                started.set()
                await tx.execute(statement)
                await asyncio.Event().wait()
        finally:
            ended.set()

    database = database_url.partition("@/")[2].partition("?")[0]
    url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{database}?sslmode=disable"
    engine = await start_engine(hang, database_url=url)
    task = await tasks.insert("hang")
    await soon(started)
    proxy.darken()
    engine.worker.attempts.end(task, Ending.FENCED)
    async with asyncio.timeout(MARGIN_SECONDS):
        await ended.wait()
    proxy.lighten()
