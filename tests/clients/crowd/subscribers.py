"""Subscribers that leave at random, and come back to any of the processes."""

import asyncio
import contextlib
from collections import Counter
from random import Random
from typing import Any

from websockets.exceptions import WebSocketException

from clients.crowd.session import Message, subscribed
from clients.documents import TASK

LONGEST_STAY_SECONDS = 0.8
PAUSE_SECONDS = 0.05

CHANGES = """
subscription ($after: Cursor) {
  taskChanges(after: $after) { cursor event { kind task { id } } }
}
"""


class Subscriber:
    """Comes back with its cursor until it has seen all it wants."""

    query: str

    def __init__(self, addresses: list[str], dice: Random) -> None:
        self.addresses = addresses
        self.sessions = 0
        self.refusals: list[Any] = []
        self.done = asyncio.Event()
        self.begun = asyncio.Event()
        """Set once it has been told something."""
        self._dice = dice

    @property
    def cursor(self) -> str | None:
        return None

    async def run(self) -> None:
        """Until `done`."""
        while not self.done.is_set():
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                async with asyncio.timeout(self._dice.uniform(0, LONGEST_STAY_SECONDS)):
                    await self.resume(self.cursor)
            await asyncio.sleep(PAUSE_SECONDS)

    async def resume(self, cursor: str | None) -> None:
        """Take what comes after the cursor, as long as the connection lasts."""
        self.sessions += 1
        address = self._dice.choice(self.addresses)
        async with subscribed(address, self.query, self.variables(cursor)) as messages:
            async for message in messages:
                self._take(message)
                if self.done.is_set():
                    return

    def variables(self, cursor: str | None) -> Message:
        raise NotImplementedError

    def take(self, data: Message) -> None:
        raise NotImplementedError

    def ended(self) -> None:
        """The subscription has come to its end."""

    def _take(self, message: Message) -> None:
        if message["type"] == "next" and "errors" not in message["payload"]:
            self.take(message["payload"]["data"])
            self.begun.set()
        elif message["type"] == "complete":
            self.ended()
        else:
            self.refusals.append(message["payload"])


class Watcher(Subscriber):
    """Watches one task to its end. The present state comes first, so it needs no cursor."""

    query = TASK

    def __init__(self, addresses: list[str], dice: Random, task: str) -> None:
        super().__init__(addresses, dice)
        self.task = task
        self.statuses: list[str] = []

    def variables(self, cursor: str | None) -> Message:
        return {"id": self.task}

    def take(self, data: Message) -> None:
        self.statuses.append(data["task"]["status"])

    def ended(self) -> None:
        self.done.set()


class Follower(Subscriber):
    """Follows the log of all changes; `entries` counts each of them."""

    query = CHANGES

    def __init__(self, addresses: list[str], dice: Random) -> None:
        super().__init__(addresses, dice)
        self.entries: Counter[tuple[str, str]] = Counter()
        self._cursor: str | None = None

    @property
    def cursor(self) -> str | None:
        return self._cursor

    def variables(self, cursor: str | None) -> Message:
        return {"after": cursor}

    def take(self, data: Message) -> None:
        change = data["taskChanges"]
        self._cursor = change["cursor"]
        if change["event"]:
            self.entries[change["event"]["task"]["id"], change["event"]["kind"]] += 1
