"""Where the events of a shared subscription come from, and who is told each of them."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rowbell.api.backlog import Arrival, Backlog, Change, Wanted
from rowbell.api.mailbox import Mailbox
from rowbell.api.outbox import Outbox
from rowbell.api.subscriptions import Watch
from rowbell.journal import Cursor
from rowbell.task import Task
from rowbell.viewer import Viewer

CHECKPOINT_SECONDS = 30.0
BATCH = 32
"""Events that are executed before the first of them is sent."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events, and whom to tell them, in this order."""

    events: Sequence[Any]
    to: Collection[Outbox]


class Feed(ABC):
    """For as long as anybody has joined it."""

    replaces = False
    """Each event overtakes those before it, where they have not been sent yet."""
    tells_news_only = False
    """Whoever was told the same last is told nothing."""

    def __init__(self) -> None:
        self.members: dict[Outbox, None] = {}
        """Everybody, whether told something yet or not."""

    def join(self, outbox: Outbox) -> None:
        self.members[outbox] = None

    def leave(self, outbox: Outbox) -> None:
        self.members.pop(outbox, None)

    @abstractmethod
    def batches(self) -> AsyncGenerator[Batch, None]:
        """What happens from now on. Raises what ends it for everybody."""


class ChangeFeed(Feed):
    """The stream of changes; a member is told all that follows the cursor that it starts with."""

    def __init__(
        self,
        watch: Watch,
        wanted: Wanted,
        event: Callable[[Change], Any],
        checkpoint: Callable[[Cursor], Any] | None = None,
    ) -> None:
        """`event` makes of a change what is told, None: nothing; `checkpoint` of a silence."""
        super().__init__()
        self._watch = watch
        self._backlog = Backlog(wanted)
        self._event = event
        self._checkpoint = checkpoint
        self._admitted: dict[Outbox, None] = {}

    def join(self, outbox: Outbox) -> None:
        super().join(outbox)
        self._watch.reader.join(self._backlog, outbox)
        self._watch.changed()

    def leave(self, outbox: Outbox) -> None:
        super().leave(outbox)
        self._admitted.pop(outbox, None)

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """Raises CursorExpired, ClientTooSlow."""
        try:
            with self._watch.subscribed():
                while True:
                    for batch in await self._taken():
                        yield batch
        finally:
            self._watch.reader.leave(self._backlog)

    async def _taken(self) -> Iterable[Batch]:
        try:
            async with asyncio.timeout(CHECKPOINT_SECONDS):
                return self._sorted(await self._backlog.take(BATCH))
        except TimeoutError:
            if self._checkpoint is None or self._backlog.reached is None:
                return ()
            return [Batch([self._checkpoint(self._backlog.reached)], self._admitted)]

    def _sorted(self, taken: list[Change | Arrival]) -> Iterator[Batch]:
        """Whoever arrives between two changes is told the second alone."""
        events: list[Any] = []
        for each in taken:
            if isinstance(each, Change):
                event = self._event(each)
                events += [] if event is None else [event]
                continue
            if events:
                yield Batch(events, self._admitted)
                events = []
            if each.outbox in self.members:  # else it has left meanwhile
                self._admitted[each.outbox] = None
                each.outbox.start(each.at)
        if events:
            yield Batch(events, self._admitted)


class TaskFeed(Feed):
    """One task: its present state for whoever comes, its changes for all, up to the final state."""

    replaces = True

    def __init__(self, watch: Watch, task_id: int, viewer: Viewer) -> None:
        super().__init__()
        self._watch = watch
        self._task_id = task_id
        self._mailbox = Mailbox(viewer)
        self._newcomers: list[Outbox] = []
        self._told: Task | None = None

    def join(self, outbox: Outbox) -> None:
        super().join(outbox)
        self._newcomers.append(outbox)
        self._mailbox.forget()
        self._watch.look_again(self._task_id)

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """Raises NotFound."""
        with self._watch.watching(self._task_id, self._mailbox):
            while self._newcomers or self._told is None or not self._told.status.is_final:
                state = await self._mailbox.take()
                to = self._who_is_told(state)
                yield Batch([state], to)
                if state.status.is_final:
                    for each in to:
                        each.end()

    def _who_is_told(self, state: Task) -> list[Outbox]:
        newcomers, self._newcomers = self._newcomers, []
        is_known, self._told = state == self._told, state
        return newcomers if is_known else list(self.members)
