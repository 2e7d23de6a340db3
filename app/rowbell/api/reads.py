"""Single tasks, read together: those that are asked for during one read cost one more."""

import asyncio

from rowbell.db import overview
from rowbell.db.pool import Database
from rowbell.task import Task

MOST = 500
"""Ids of one statement."""


class Reads:
    """One for each process. A read begins at once; what is asked meanwhile waits for its end.

    Alone a request is as fast as by itself, and a thousand at once are a handful of statements.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wanted: dict[int, asyncio.Future[Task | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def task(self, task_id: int) -> Task | None:
        """As it is now, or later: never as it was before the call. Raises Unavailable."""
        wanted = self._wanted.get(task_id)
        if wanted is None:
            wanted = self._wanted[task_id] = asyncio.get_running_loop().create_future()
            if self._reading is None:
                self._reading = asyncio.create_task(self._read(), name="reads")
        return await asyncio.shield(wanted)

    async def _read(self) -> None:
        try:
            while self._wanted:
                batch = {
                    each: self._wanted.pop(each) for each in list(self._wanted)[:MOST]
                }  # whoever asks from now on is of the next batch
                await self._read_batch(batch)
        finally:
            self._reading = None

    async def _read_batch(self, batch: dict[int, "asyncio.Future[Task | None]"]) -> None:
        try:
            found = await overview.tasks_by_id(self._database, list(batch))
        except BaseException as failure:
            for each in batch.values():
                each.set_exception(failure)
                each.exception()  # of some the request may have ended
            if not isinstance(failure, Exception):
                raise
        else:
            for task_id, each in batch.items():
                each.set_result(found.get(task_id))
