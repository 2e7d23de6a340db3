"""What one shared subscription has yet to take of the stream of changes: bounded."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from rowbell.api.cursors import encode_stream
from rowbell.api.limits import ClientTooSlow
from rowbell.api.outbox import Outbox
from rowbell.errors import RowbellError
from rowbell.journal import Cursor, Entry, Event
from rowbell.task import Filter, Task
from rowbell.viewer import Viewer

ROOM = 10_000
"""Changes that may wait. They are shared with the other backlogs: each costs little."""


@dataclass(slots=True)
class Change:
    """An entry on its way to all subscribers; what they ask of it is made once."""

    entry: Entry
    task: Task | None
    """As it stood when the entry was read; None: it is deleted."""
    at: Cursor
    _text: str = field(default="", init=False)

    @property
    def cursor(self) -> str:
        self._text = self._text or encode_stream(self.at)
        return self._text


@dataclass(frozen=True, slots=True)
class Arrival:
    """From here on a subscriber is told what the others are told."""

    outbox: Outbox
    at: Cursor


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries a subscription is told of."""

    viewer: Viewer
    selected: Filter = field(default_factory=Filter)
    only: Event | None = None

    def has(self, entry: Entry) -> bool:
        return (
            self.only in (None, entry.event)
            and entry.matches(self.selected)
            and self.viewer.sees(entry.created_by, entry.audience)
        )


class Backlog:
    """Holds the changes that are wanted, and between them, who has come when."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.reached: Cursor | None = None
        """How far the stream has come, once everything has been taken."""
        self._waiting: deque[Change | Arrival] = deque()
        self._failure: RowbellError | None = None
        self._arrived = asyncio.Event()

    def admit(self, outbox: Outbox, at: Cursor) -> None:
        """Everything after this cursor will be put."""
        self._waiting.append(Arrival(outbox, at))
        self.reached = at
        self._arrived.set()

    def put(self, changes: list[Change], reached: Cursor) -> None:
        """Never waits: slow subscribers must not hold up the others."""
        if len(self._waiting) + len(changes) > ROOM:
            self._waiting.clear()
            self.fail(ClientTooSlow())
        if self._failure is None:
            self._waiting.extend(changes)
            self.reached = reached
            if changes:
                self._arrived.set()

    def fail(self, failure: RowbellError) -> None:
        """End the subscription, after what waits has been taken."""
        self._failure = self._failure or failure
        self._arrived.set()

    async def take(self, most: int) -> list[Change | Arrival]:
        """The oldest of what waits, at least one. Raises what `fail` was given."""
        while not self._waiting:
            if self._failure is not None:
                raise self._failure
            self._arrived.clear()
            await self._arrived.wait()
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
