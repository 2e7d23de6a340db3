"""What one subscriber has yet to take: the newest state of each task, never a backlog."""

import asyncio

from rowbell.errors import RowbellError
from rowbell.task import Task


class ClientTooSlow(RowbellError):
    """A subscriber fell so far behind that something would have to be dropped in silence."""

    code = "CLIENT_TOO_SLOW"
    status = 429
    cursor = ""
    """Where to resume the stream of changes."""


class Mailbox:
    """Room for the states of so many tasks. A newer state takes the place of the older one."""

    def __init__(self, *, room: int) -> None:
        self.latest: Task | None = None
        self._room = room
        self._waiting: dict[int, Task] = {}
        self._failure: RowbellError | None = None
        self._arrived = asyncio.Event()

    def put(self, task: Task) -> None:
        """Never waits: a slow subscriber must not hold up the others."""
        self.latest = task
        if task.id not in self._waiting and len(self._waiting) >= self._room:
            self._waiting.clear()
            self.fail(
                ClientTooSlow(
                    f"more than {self._room} tasks waited for this subscriber.",
                    hint="Read the list `tasks`, then subscribe again.",
                )
            )
        if self._failure is None:
            self._waiting[task.id] = task
        self._arrived.set()

    def fail(self, failure: RowbellError) -> None:
        """End the subscription with an error, after what waits has been taken."""
        self._failure = self._failure or failure
        self._arrived.set()

    async def take(self) -> Task:
        """The oldest of what waits. Raises what `fail` was given."""
        while not self._waiting:
            if self._failure is not None:
                raise self._failure
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.pop(next(iter(self._waiting)))
