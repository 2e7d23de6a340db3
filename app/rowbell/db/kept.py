"""One connection that is opened when it is needed, and again after it was lost."""

import asyncio
from time import perf_counter
from types import TracebackType
from typing import Any

import asyncpg

from rowbell.db.refusals import leaves_doubt, translated
from rowbell.measures import measures


class Kept:
    """For statements one after the other: a context manager that is entered again and again.

    To take a connection from a pool and to give it back are tasks of their own, a tenth of a
    millisecond for a claim that comes alone.
    """

    def __init__(self, *, seconds: float, **options: Any) -> None:
        """seconds: the longest wait for a turn. options: of asyncpg.connect()."""
        self._seconds = seconds
        self._options = options
        self._turn = asyncio.Lock()
        self._connection: Any = None  # asyncpg ships no types
        self._is_over = False

    @property
    def is_open(self) -> bool:
        return self._connection is not None and not self._connection.is_closed()

    @property
    def is_used(self) -> bool:
        return self._turn.locked()

    async def __aenter__(self) -> Any:
        """The connection, for this caller alone. Raises Unavailable."""
        asked = perf_counter()
        with translated():
            await self._take_turn()
            try:
                await self._open()
            except BaseException:
                self._turn.release()
                raise
        measures.connection_waits.add(perf_counter() - asked)
        return self._connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Raises Unavailable and the errors of BY_SQLSTATE for those of asyncpg."""
        if error and leaves_doubt(error):
            self._drop()
        self._turn.release()
        translated().__exit__(kind, error, trace)

    async def _take_turn(self) -> None:
        if self._turn.locked():
            async with asyncio.timeout(self._seconds):
                await self._turn.acquire()
        else:
            await self._turn.acquire()

    async def _open(self) -> None:
        if not self._is_over and not self.is_open:
            self._connection = await asyncpg.connect(**self._options)
        if self._is_over:  # perhaps since a moment ago
            self._drop()
            raise asyncpg.InterfaceError("this process has closed its connections")

    async def close(self) -> None:
        """Close it for good once its turn is over."""
        self._is_over = True
        async with self._turn:
            if self.is_open:
                await self._connection.close()

    def hang_up(self) -> None:
        """End it at once and for good: whatever waits for an answer fails."""
        self._is_over = True
        self._drop()

    def _drop(self) -> None:
        if self.is_open:
            self._connection.terminate()
