"""Runs due tasks to their outcomes in this process: no listener, no waiting, one at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rowbell import handlers as handler_modules
from rowbell.config import Settings
from rowbell.db import overview, tasks, testing, workers
from rowbell.db.pool import Database
from rowbell.engine.attempts import Attempts
from rowbell.engine.kinds import built_in
from rowbell.handlers import Handlers
from rowbell.task import Claim, Task

SLOTS = 100
"""More than one: a thread that outlives its attempt keeps its slot."""
LOOPBACK = ("127.0.0.0/8", "::1")
"""What http_request may call beyond the public internet: servers of the test."""


class Running:
    """A worker without a listener, a sweeper or a heartbeat."""

    def __init__(
        self, database: Database, handlers: Handlers, attempts: Attempts, worker: int
    ) -> None:
        """Call `running` instead."""
        self.kinds = handlers.kinds
        self._database = database
        self._attempts = attempts
        self._worker = worker

    async def run_due(self, seconds: float) -> list[Task]:
        """Run what is due, and what that makes due, in the order of claims; one entry an attempt.

        Raises AssertionError if an attempt takes longer than so many seconds.
        """
        ran = []
        while claim := await self._claim():
            self._attempts.start([claim])
            if not await self._attempts.settle(seconds):
                raise AssertionError(f"task {claim.id} ({claim.kind}) did not end in {seconds:g} s")
            task = await overview.task(self._database, claim.id)
            if task:  # its handler may have deleted it
                ran.append(task)
        return ran

    async def _claim(self) -> Claim | None:
        for queue in await testing.due_queues(self._database):
            for claim in await tasks.claim(self._database, queue, self._worker, 1, self.kinds):
                slots = self._attempts.lanes[claim.kind].slots
                await slots.reserve(1)
                return claim
        return None


@asynccontextmanager
async def running(database: Database) -> AsyncIterator[Running]:
    """A worker for the built-in kinds and for all that `@task` has registered."""
    async with built_in(Settings.load(http_allow=LOOPBACK)) as handlers:
        for handler in handler_modules.load(()):
            handlers.add(handler)
        worker = await workers.register(
            database, queues=("*",), slots=SLOTS, lease_seconds=3_600, handlers=handlers
        )
        attempts = Attempts(database, handlers, SLOTS)
        service = asyncio.create_task(attempts.run(), name="attempts")
        try:
            yield Running(database, handlers, attempts, worker)
            await workers.sign_off(database, worker)
        finally:
            service.cancel()
            await asyncio.gather(service, return_exceptions=True)
            await attempts.executors.close()
