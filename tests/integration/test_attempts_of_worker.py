"""The attempts of a worker are owned by it: none is lost, none fails in silence."""

import asyncio

import pytest

from rowbell.db.pool import Database
from rowbell.decorator import describe
from rowbell.engine.attempts import Attempts
from rowbell.handlers import Handlers
from rowbell.task import Claim

from deadline import DEADLINE_SECONDS

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
    """Also the earlier one of two attempts at a task."""
    began, ended = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def job() -> None:
        began.release()
        try:
            await asyncio.Event().wait()
        finally:
            ended.release()

    attempts = Attempts(database, Handlers(describe(job)), slots=2)
    running = asyncio.create_task(attempts.run())
    await asyncio.sleep(0)  # it runs
    attempts.start([CLAIM, CLAIM._replace(attempt=2)])
    async with asyncio.timeout(DEADLINE_SECONDS):
        await began.acquire()
        await began.acquire()
    running.cancel()
    async with asyncio.timeout(DEADLINE_SECONDS):
        with pytest.raises(asyncio.CancelledError):
            await running
    async with asyncio.timeout(DEADLINE_SECONDS):
        await ended.acquire()
        await ended.acquire()
