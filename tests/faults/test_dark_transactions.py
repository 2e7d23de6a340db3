"""The network goes dark while a handler is within `context.transaction()`."""

import asyncio
import time
from collections.abc import Callable

import pytest

from rowbell import Context
from rowbell.engine.attempt import Ending

from integration.conftest import StartEngine, Tasks, soon
from line import Line

Figure = Callable[[str, float, float], None]

MARGIN_SECONDS = 1.0
"""Between the end of an attempt and the lease that it must not outlast: a third of the shortest."""


@pytest.mark.parametrize("statement", ["select true", "select pg_sleep(60)"])
async def test_attempt_that_is_ended_in_the_dark_does_not_wait_for_its_rollback(
    statement: str,
    line: Line,
    database_url: str,
    start_engine: StartEngine,
    tasks: Tasks,
    *,
    figure: Figure,
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

    engine = await start_engine(hang, database_url=line.url(database_url))
    task = await tasks.insert("hang")
    await soon(started)
    line.dark()
    engine.worker.attempts.end(task, Ending.FENCED)
    began = time.monotonic()
    await soon(ended)
    figure("an attempt ends in the dark", time.monotonic() - began, MARGIN_SECONDS)
    line.lit()  # so that the engine may end in peace


async def test_attempt_that_is_ended_before_its_transaction_has_begun_waits_for_nothing(
    line: Line, database_url: str, start_engine: StartEngine, tasks: Tasks, figure: Figure
) -> None:
    ended = asyncio.Event()

    async def begin(context: Context) -> None:
        try:
            async with context.transaction():
                raise AssertionError("the network was dark")
        finally:
            ended.set()

    engine = await start_engine(begin, database_url=line.url(database_url))
    line.hold("set statement_timeout = 0")
    task = await tasks.insert("begin")
    await soon(line.held)
    engine.worker.attempts.end(task, Ending.FENCED)
    began = time.monotonic()
    await soon(ended)
    figure("an attempt ends in the dark", time.monotonic() - began, MARGIN_SECONDS)
    line.lit()
