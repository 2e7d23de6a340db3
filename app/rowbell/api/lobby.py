"""Who is here: sockets and streams by subject, operations under way; and how they all leave."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rowbell.api.limits import Draining, TooManySockets
from rowbell.number import many

SLICE_SECONDS = 0.1
PACE = 200
"""Clients a second that are sent away, and come back to another process at that pace."""


class Lobby:
    """One for each process."""

    def __init__(self, most: int) -> None:
        """`most`: sockets and streams of one subject."""
        self.draining = False
        self._most = most
        self._guests: dict[object, Callable[[], None]] = {}
        self._by_subject: Counter[str] = Counter()
        self._working = 0
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._guests)

    @contextmanager
    def guest(self, subject: str, leave: Callable[[], None]) -> Iterator[None]:
        """For as long as a socket or a stream lives. Raises TooManySockets, Draining.

        `leave` asks it to end what it does and to go.
        """
        if self.draining:
            raise Draining("this process is about to end.", hint="Connect again in a second.")
        if self._by_subject[subject] >= self._most:
            raise TooManySockets(
                f"{many(self._most, 'connection is', 'connections are')} open, which is the most.",
                hint="Close one first: a connection can carry many subscriptions.",
            )
        key = object()
        self._guests[key] = leave
        self._by_subject[subject] += 1
        try:
            yield
        finally:
            self._guests.pop(key, None)
            self._by_subject[subject] -= 1
            if not self._by_subject[subject]:
                del self._by_subject[subject]
            self._look()

    @contextmanager
    def working(self) -> Iterator[None]:
        """For as long as a query or a mutation is carried out."""
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1
            self._look()

    async def drain(self, seconds: float) -> None:
        """Ask everybody to leave: PACE a second, or faster if the time would not do."""
        self.draining = True
        leaving = list(self._guests)
        if not leaving:
            return
        slices = max(1, int(min(seconds, len(leaving) / PACE) / SLICE_SECONDS))
        size = -(-len(leaving) // slices)
        for start in range(0, len(leaving), size):
            for key in leaving[start : start + size]:
                if leave := self._guests.get(key):
                    leave()
            if start + size < len(leaving):
                await asyncio.sleep(SLICE_SECONDS)

    async def emptied(self, seconds: float) -> bool:
        """Wait until the last has left, and nothing is under way; False if that takes longer."""
        self.draining = True
        for leave in list(self._guests.values()):
            leave()
        self._empty.clear()
        self._look()
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    def _look(self) -> None:
        if not self._guests and not self._working:
            self._empty.set()
