"""A test's own tasks: enqueue, run, look, and move the clock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from rowbell.db import inserts, overview, testing
from rowbell.db.pool import Database
from rowbell.errors import NotFound
from rowbell.task import NewTask, Task
from rowbell.testing.running import Running, running

ATTEMPT_SECONDS = 30.0
"""What one attempt may take, in real time."""
ROUNDS = 500
"""How often the clock is moved for one task."""


class AsyncRowbell:
    """The tasks of one test, in a database of its own whose clock stands still.

    Nothing runs by itself. Connections are opened for each call, so any event loop may call.
    """

    def __init__(self, url: str, at: datetime) -> None:
        """Take the fixture `async_rowbell` instead."""
        self.url = url
        """Where the database is: for the test's own connections."""
        self.now = at
        """The time by which tasks are due, started and finished."""

    async def enqueue(self, kind: str, payload: Any = None, /, **columns: Any) -> Task:
        """Insert a task; `columns` are those of an INSERT, run_in a timedelta.

        Raises InvalidArgument, UniqueKeyConflict.
        """
        if run_in := columns.pop("run_in", None):
            columns["run_at"] = self.now + run_in
        async with self._database() as database:
            return await inserts.create(database, NewTask(kind=kind, payload=payload, **columns))

    async def run_pending(
        self, *, at: datetime | None = None, seconds: float = ATTEMPT_SECONDS
    ) -> list[Task]:
        """Run what is due, one attempt after the other, and what that makes due.

        Returns the task of each attempt as it stood afterwards. at: move the clock there first.
        Raises AssertionError if an attempt takes longer than so many seconds.
        """
        async with self._database() as database, running(database) as worker:
            if at is not None:
                await self._move(database, at)
            return await worker.run_due(seconds)

    async def run_until_finished(
        self, task: Task | int, *, seconds: float = ATTEMPT_SECONDS
    ) -> Task:
        """Run what is due and move the clock on to what is due next, until this task is final.

        Raises AssertionError if it never will be, NotFound.
        """
        async with self._database() as database, running(database) as worker:
            for _ in range(ROUNDS):
                await worker.run_due(seconds)
                found = await _found(database, task)
                if found.status.is_final:
                    return found
                following = await testing.next_run_at(database, worker.kinds)
                if following is None:
                    break
                await self._move(database, following)
            raise AssertionError(await _why_open(database, found, worker))

    async def advance(self, duration: timedelta | None = None, /, **units: float) -> datetime:
        """Move the clock on: `advance(hours=1)`. Runs nothing. Returns the new time."""
        async with self._database() as database:
            await self._move(database, self.now + (duration or timedelta(**units)))
        return self.now

    async def task(self, task: Task | int) -> Task:
        """The task as it stands now. Raises NotFound."""
        async with self._database() as database:
            return await _found(database, task)

    async def tasks(self, kind: str | None = None) -> list[Task]:
        """Every task, or those of a kind, oldest first."""
        async with self._database() as database:
            found = await overview.oldest(database, most=10_000)
        return [each for each in found if kind in (None, each.kind)]

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        """The rows of a query of the test's own, as asyncpg gives them."""
        async with self._database() as database:
            return await testing.fetch(database, query, *values)

    @asynccontextmanager
    async def _database(self) -> AsyncIterator[Database]:
        database = await Database.open(self.url, name="rowbell testing")
        try:
            database.at = self.now
            yield database
        finally:
            await database.close()

    async def _move(self, database: Database, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError(f"{at} has no time zone: add tzinfo=UTC.")
        await testing.set_clock(database, at)
        self.now = at


async def _found(database: Database, task: Task | int) -> Task:
    task_id = task if isinstance(task, int) else task.id
    found = await overview.task(database, task_id)
    if found is None:
        raise NotFound(f"there is no task {task_id}.")
    return found


async def _why_open(database: Database, task: Task, worker: Running) -> str:
    sentence = f"task {task.id} ({task.kind}) stays {task.status}"
    if task.kind not in worker.kinds:
        return f"{sentence}: no module with this kind was imported; known are {worker.kinds}"
    reasons = await testing.fetch(database, "select reason from rowbell.explain($1)", task.id)
    return f"{sentence}: {' '.join(row[0] for row in reasons)}"
