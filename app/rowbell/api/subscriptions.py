"""The watch: one look at the journal for all subscribers, whenever something has changed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager

from rowbell.api.mailbox import Mailbox
from rowbell.api.reader import Reader
from rowbell.db import overview
from rowbell.db.pool import Database
from rowbell.errors import NotFound, Unavailable
from rowbell.logs import log
from rowbell.task import Task
from rowbell.viewer import Viewer

LOOK_SECONDS = 0.02
"""From one look to the next: at most fifty a second, however much changes."""

SAFETY_SECONDS = 1.0
"""Looks go on without a notification while somebody watches: one may have been missed."""

LONGEST_PAUSE_SECONDS = 5.0

LAST_LOOK_SECONDS = 1.0


class Watch:
    """One for each process. `run` looks; feeds, and who waits for a task, are told what it finds.

    `on_watching(True)` is called when the first subscriber comes, `on_watching(False)` when the
    last one has left: only in between does the database send notifications.
    """

    def __init__(
        self, database: Database, *, on_watching: Callable[[bool], None] = lambda _: None
    ) -> None:
        self.on_watching = on_watching
        self.closing = asyncio.Event()
        """Set once the process drains: whoever waits for an answer should get what there is."""
        self._database = database
        self._changed = asyncio.Event()
        self._tasks: dict[int, set[Mailbox]] = {}
        self._unread: set[int] = set()
        """Watched tasks whose present state has yet to be read."""
        self.reader = Reader(database)
        self._subscribers = 0
        self._pause = LOOK_SECONDS

    @property
    def subscribers(self) -> int:
        return self._subscribers

    def changed(self) -> None:
        """Something may have changed: look soon. Cheap; call it on the event loop."""
        self._changed.set()

    async def run(self) -> None:
        """Look, for ever. Errors cost a pause: subscriptions go on once PostgreSQL answers."""
        while True:
            await self._wait()
            self._changed.clear()  # before the look: what changes during it asks for another
            if self._subscribers:
                await self._look_safely()
                await asyncio.sleep(self._pause)

    async def task(self, task_id: int, viewer: Viewer) -> AsyncGenerator[Task, None]:
        """The present state, then each change, up to the final state. Raises NotFound."""
        mailbox = Mailbox(viewer)
        with self.watching(task_id, mailbox):
            while True:
                state = await mailbox.take()
                yield state
                if state.status.is_final:
                    return

    async def look_at(self, task_id: int, viewer: Viewer) -> Task | None:
        """The task as it stands at this moment; None if it is not there, or nobody answers."""
        try:
            async with asyncio.timeout(LAST_LOOK_SECONDS):
                return await overview.task(self._database, task_id, viewer=viewer)
        except (Unavailable, TimeoutError):
            return None

    @contextmanager
    def subscribed(self) -> Iterator[None]:
        """For as long as somebody wants to be told what happens."""
        self._subscribers += 1
        if self._subscribers == 1:
            self.on_watching(True)
        self._changed.set()
        try:
            yield
        finally:
            self._subscribers -= 1
            if not self._subscribers:
                self.reader.forget()
                self.on_watching(False)

    @contextmanager
    def watching(self, task_id: int, mailbox: Mailbox) -> Iterator[None]:
        """The mailbox gets the present state of a task, and those that follow."""
        with self.subscribed():
            self._tasks.setdefault(task_id, set()).add(mailbox)
            self._unread.add(task_id)
            try:
                yield
            finally:
                self._tasks[task_id].discard(mailbox)
                if not self._tasks[task_id]:
                    del self._tasks[task_id]
                    self._unread.discard(task_id)

    def look_again(self, task_id: int) -> None:
        """Read the present state of a task that is watched, whether it has changed or not."""
        self._unread.add(task_id)
        self._changed.set()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(SAFETY_SECONDS if self._subscribers else None):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _look_safely(self) -> None:
        try:
            await self._look()
        except Unavailable as error:
            self._stumble()
            log.warning("database.lost", by="watch", error=str(error), retry_seconds=self._pause)
        except Exception:  # noqa: BLE001
            # Nobody may go quiet because of one look, so nothing ends this loop but its owner.
            self._stumble()
            log.exception("api.failed", by="watch", retry_seconds=self._pause)
        else:
            if self._pause > LOOK_SECONDS:
                log.info("database.recovered", by="watch")
            self._pause = LOOK_SECONDS

    def _stumble(self) -> None:
        self._changed.set()
        self._pause = min(LONGEST_PAUSE_SECONDS, max(0.25, self._pause * 2))

    async def _look(self) -> None:
        changed = await self.reader.look(self._tasks.keys())
        self._unread |= set(self._tasks) if changed is None else changed & self._tasks.keys()
        if unread := self._unread & self._tasks.keys():
            states = await overview.tasks_by_id(self._database, sorted(unread))
            self._unread -= unread
            for task_id in unread:
                self._deliver(task_id, states.get(task_id))
        if self.reader.is_behind:
            self._changed.set()

    def _deliver(self, task_id: int, state: Task | None) -> None:
        for mailbox in self._tasks.get(task_id, ()):
            if state is None or not mailbox.is_for(state):
                mailbox.fail(no_such_task(task_id))
            else:
                mailbox.put(state)


def no_such_task(task_id: object, *, field: str = "") -> NotFound:
    return NotFound(
        f"there is no task {str(task_id)[:80]}.",
        hint="Finished tasks are deleted after the retention.",
        field=field,
    )
