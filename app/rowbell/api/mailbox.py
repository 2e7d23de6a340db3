"""What has yet to be taken of the states of one task: the newest, never a backlog."""

import asyncio

from rowbell.errors import RowbellError
from rowbell.task import Task
from rowbell.viewer import Viewer


class Mailbox:
    """Room for one state. A newer one takes the place of the older."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._latest: Task | None = None
        self._waiting: Task | None = None
        self._failure: RowbellError | None = None
        self._arrived = asyncio.Event()

    def put(self, state: Task) -> None:
        """Never waits. Nothing happens if it is the state that was put last."""
        if state != self._latest:
            self._latest = self._waiting = state
            self._arrived.set()

    def is_for(self, task: Task) -> bool:
        """False if the subscriber may not see it: then it must not even learn that it is there."""
        return self._viewer.sees(task.created_by, task.audience)

    def forget(self) -> None:
        """The next state is taken, even if it is the one that was put last."""
        self._latest = None

    def fail(self, failure: RowbellError) -> None:
        """End with an error, after what waits has been taken."""
        self._failure = self._failure or failure
        self._arrived.set()

    async def take(self) -> Task:
        """The newest state. Raises what `fail` was given."""
        while self._waiting is None:
            if self._failure is not None:
                raise self._failure
            self._arrived.clear()
            await self._arrived.wait()
        state, self._waiting = self._waiting, None
        return state
