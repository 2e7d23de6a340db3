"""What one subscriber has yet to be sent: bounded, and never waited for by the others."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from rowbell.api.execution import Payload
from rowbell.api.limits import ClientTooSlow
from rowbell.journal import Cursor

ROOM = 10_000
"""Payloads that may wait for one subscriber. They are shared with the others: each costs little."""
ROOM_BYTES = 64 * 1024 * 1024
WRITE_BYTES = 65_536
"""Written at once; then the connection is asked again whether it takes more."""


class Line(Protocol):
    """The way to one subscriber."""

    @property
    def is_writable(self) -> bool:
        """False while what was written before has yet to be read."""

    async def until_writable(self) -> None:
        """Returns once it is, and once the connection is lost."""

    def write(self, payloads: Sequence[Payload]) -> None:
        """Hand them to the system. Never waits; what is written to a lost connection is lost."""


class Deaf(Exception):
    """The client does not read what it is sent."""


class Outbox:
    """Payloads are put, and written at once if nothing is in their way; `run` writes the rest."""

    def __init__(self, line: Line, seconds: float) -> None:
        """`seconds`: how long the client may leave what it is sent unread."""
        self._line = line
        self._seconds = seconds
        self._waiting: deque[Payload] = deque()
        self._bytes = 0
        self._latest: Payload | None = None
        """Of what was written."""
        self._start: Cursor | None = None
        self._flows = False
        self._has_ended = False
        self._failure: Exception | None = None
        self._news = asyncio.Event()

    def start(self, at: Cursor) -> None:
        """Everything that follows this cursor will be put."""
        self._start = at
        self._news.set()

    def is_news(self, payload: Payload) -> bool:
        """False if the client will have been told the same last."""
        latest = self._waiting[-1] if self._waiting else self._latest
        return latest is None or latest.text != payload.text

    def put(self, payloads: Sequence[Payload], *, replacing: bool = False) -> None:
        """Never waits. `replacing`: what waits has been overtaken by these."""
        if self._has_ended:
            return
        if replacing:
            self._clear()
        self._waiting.extend(payloads)
        self._bytes += sum(map(len, payloads))
        if self._flows:
            self._flush()
        if len(self._waiting) > ROOM or self._bytes > ROOM_BYTES:
            self._clear()
            self.end(ClientTooSlow())
        elif self._waiting:
            self._news.set()

    def end(self, failure: Exception | None = None) -> None:
        """After what waits has been written, well or with an error."""
        if not self._has_ended:
            self._has_ended, self._failure = True, failure
            self._news.set()

    async def started(self) -> Cursor:
        """What `start` was given. Raises what `end` was given."""
        while self._start is None:
            if self._failure:
                raise self._told(self._failure)
            await self._next_news()
        return self._start

    async def send(self, payload: Payload) -> None:
        """Before `run`: write what is meant for this subscriber alone, ahead of what was put.

        Raises Deaf.
        """
        if not self._line.is_writable:
            await self._writable()
        self._write([payload])

    async def run(self) -> None:
        """Write what is put until the end. Raises Deaf, and what `end` was given."""
        self._flows = True
        while True:
            self._flush()
            if self._waiting:
                await self._writable()
            elif self._failure:
                raise self._told(self._failure)
            elif self._has_ended:
                return
            else:
                await self._next_news()

    def _flush(self) -> None:
        while self._waiting and self._line.is_writable:
            payloads, size = [], 0
            while self._waiting and size < WRITE_BYTES:
                payloads.append(self._waiting.popleft())
                size += len(payloads[-1])
            self._bytes -= size
            self._write(payloads)

    def _write(self, payloads: Sequence[Payload]) -> None:
        self._line.write(payloads)
        self._latest = payloads[-1]

    def _clear(self) -> None:
        self._waiting.clear()
        self._bytes = 0

    def _told(self, failure: Exception) -> Exception:
        """Others may be told of the same failure, but each resumes from a place of its own."""
        if isinstance(failure, ClientTooSlow):
            return ClientTooSlow(self._latest.cursor if self._latest else "")
        return failure.with_traceback(None)  # else it would grow with each who is told

    async def _next_news(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def _writable(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await self._line.until_writable()
        except TimeoutError:
            raise Deaf from None
