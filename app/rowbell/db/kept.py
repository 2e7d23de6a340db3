"""One connection that is opened when it is needed, and again after it was lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

BROKEN = (asyncpg.ReadOnlySQLTransactionError, asyncpg.InternalClientError)
"""A server that has failed over, or is ending, says so in an answer: it is not used again."""


class Kept:
    """For statements one after the other. To take a connection from a pool and to give it back are
    tasks of their own, a tenth of a millisecond for a claim that comes alone."""

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

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[Any]:
        """The connection, for this caller alone. Raises TimeoutError, and what asyncpg raises."""
        if self._turn.locked():
            async with asyncio.timeout(self._seconds):
                await self._turn.acquire()
        else:
            await self._turn.acquire()
        try:
            if not self._is_over and not self.is_open:
                self._connection = await asyncpg.connect(**self._options)
            if self._is_over:  # perhaps since a moment ago
                raise asyncpg.InterfaceError("this process has closed its connections")
            yield self._connection
        except BaseException as error:
            # An error of PostgreSQL is an answer; after anything else one may still be on its way.
            if not isinstance(error, asyncpg.PostgresError) or isinstance(error, BROKEN):
                self._drop()
            raise
        finally:
            self._turn.release()

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
