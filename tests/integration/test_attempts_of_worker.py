"""The attempts of a worker are owned by it: none is lost, none fails in silence."""

import asyncio

import pytest

from rowbell.db.pool import Database
from rowbell.decorator import describe
from rowbell.engine.attempts import Attempts
from rowbell.handlers import Handlers
from rowbell.task import Claim

from deadline import DEADLINE_SECONDS
from integration.conftest import soon

CLAIM = Claim(id=1, attempt=1, kind="job", failures=0, timeout=None, payload="{}")


async def test_attempt_that_fails_itself_fails_the_worker(database: Database) -> None:
    async def job() -> None: ...

    attempts = Attempts(database, Handlers(describe(job)), slots=1)

    def broken(_: float) -> None:
        raise ZeroDivisionError

    attempts.lanes["job"].note = broken  # type: ignore[method-assign]
    running = asyncio.create_task(attempts.run())
    attempts.start([CLAIM])
    async with asyncio.timeout(DEADLINE_SECONDS):
        with pytest.raises(ExceptionGroup) as caught:
            await running
    assert caught.group_contains(ZeroDivisionError)


async def test_what_still_runs_ends_with_its_worker(database: Database) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def job() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    attempts = Attempts(database, Handlers(describe(job)), slots=1)
    running = asyncio.create_task(attempts.run())
    await asyncio.sleep(0)  # it runs
    attempts.start([CLAIM])
    await soon(began)
    running.cancel()
    async with asyncio.timeout(DEADLINE_SECONDS):
        with pytest.raises(asyncio.CancelledError):
            await running
    assert ended.is_set()
