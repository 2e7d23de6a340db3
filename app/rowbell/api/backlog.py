"""What one subscriber has yet to take of the stream of changes: bounded, and never waited for."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from rowbell.api.cursors import encode_stream
from rowbell.api.mailbox import ClientTooSlow
from rowbell.errors import RowbellError
from rowbell.journal import Cursor, Entry
from rowbell.task import Task

ROOM = 10_000
"""Changes that may wait for one subscriber. They are shared with the others: each costs little."""


@dataclass(slots=True)
class Change:
    """An entry on its way to all subscribers; what they ask of it is made once."""

    entry: Entry
    task: Task | None
    """As it stood when the entry was read; None: it is deleted."""
    cursor: Cursor
    _text: str = field(default="", init=False)

    @property
    def cursor_text(self) -> str:
        self._text = self._text or encode_stream(self.cursor)
        return self._text


Wanted = Callable[[Entry], bool]


class Backlog:
    """Holds the changes that are wanted, from the moment at which `started` is told."""

    def __init__(self, wanted: Wanted) -> None:
        self.seen: Cursor | None = None
        """How far the subscriber has come, by what it took."""
        self.wants = wanted
        self._waiting: deque[Change] = deque()
        self._reached: Cursor | None = None
        self._failure: RowbellError | None = None
        self._arrived = asyncio.Event()

    def start(self, at: Cursor) -> None:
        """Everything after this cursor will be put."""
        self._reached = at
        self._arrived.set()

    def put(self, changes: list[Change], reached: Cursor) -> None:
        """Never waits: a slow subscriber must not hold up the others."""
        mine = [change for change in changes if self.wants(change.entry)]
        if len(self._waiting) + len(mine) > ROOM:
            self._waiting.clear()
            self.fail(
                ClientTooSlow(
                    f"more than {ROOM} changes waited for this subscriber.",
                    hint="Read `tasks`, then subscribe again; taskChanges resumes from the cursor.",
                )
            )
        if self._failure is None:
            self._waiting.extend(mine)
            self._reached = reached
        if mine or self._failure:
            self._arrived.set()

    def fail(self, failure: RowbellError) -> None:
        """End the subscription, after what waits has been taken."""
        self._failure = self._failure or failure
        self._arrived.set()

    async def started(self) -> Cursor:
        """The cursor after which everything is put. Raises what `fail` was given."""
        while self._reached is None:
            await self._news()
        self.seen = self.seen or self._reached
        return self._reached

    async def take(self, *, seconds: float | None = None) -> Change | None:
        """The oldest change that waits; None: there was none for so long, and `seen` has moved on.

        Raises what `fail` was given.
        """
        try:
            async with asyncio.timeout(seconds):
                while not self._waiting:
                    await self._news()
        except TimeoutError:
            self.seen = self._reached
            return None
        change = self._waiting.popleft()
        self.seen = change.cursor
        return change

    async def _news(self) -> None:
        if self._failure is not None:
            if isinstance(self._failure, ClientTooSlow) and self.seen is not None:
                self._failure.cursor = encode_stream(self.seen)
            raise self._failure
        self._arrived.clear()
        await self._arrived.wait()
