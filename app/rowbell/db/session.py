"""The session that listens, and holds locks: one statement at a time, whoever asks."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg

from rowbell.db.pool import Connection, is_pooled
from rowbell.db.refusals import GONE, leaves_doubt, translated

# So that the server, too, notices a dead peer within half a minute, and frees what it held. Not
# as start-up parameters: a pooler would refuse those.
_KEEPALIVES = """
set tcp_keepalives_idle = 15; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3
"""

GOODBYE_SECONDS = 1.0


class Session:
    """Wraps a connection that is not of a pool. Whatever fails ends it: its locks are unknown."""

    def __init__(self, connection: Connection, answer_seconds: float) -> None:
        """answer_seconds: how long the server may take for a statement that waits for nothing."""
        self._connection = connection
        self._answer_seconds = answer_seconds
        self._turn = asyncio.Lock()
        self._channels: set[str] = set()
        self._prepared: dict[str, Any] = {}
        self.is_pooled = False
        self.process: int = connection.get_server_pid()
        """The server's process for it; an ended connection would not say it any more."""

    @property
    def listens(self) -> bool:
        return bool(self._channels)

    @property
    def is_free(self) -> bool:
        """Nobody waits for an answer, and statements may be prepared."""
        return not (self._turn.locked() or self.is_pooled or self._connection.is_closed())

    async def begin(self) -> None:
        """Find out whether a pooler stands between, and let the server notice our death."""
        self.is_pooled = await is_pooled(self._connection)
        if not self.is_pooled:
            await self.execute(_KEEPALIVES)

    async def ask(self, statement: str, *arguments: object, patience: float = 0) -> Any:
        """The only value of a statement that may wait for so many seconds in the server."""
        timeout = patience + self._answer_seconds
        async with self._turn:
            try:
                with translated():
                    return await self._connection.fetchval(statement, *arguments, timeout=timeout)
            except BaseException:
                self._connection.terminate()
                raise

    async def fetch(self, statement: str, *arguments: object, seconds: float) -> list[Any]:
        """The rows of a statement that is made again and again, and so is prepared.

        seconds: how long the server may take, waits for locks included.
        Raises Unavailable and the errors of BY_SQLSTATE: an error of PostgreSQL is an answer, and
        ends nothing; it may be that the plan has to be made anew.
        """
        with translated():
            async with self._turn:
                try:
                    prepared = self._prepared.pop(statement, None)
                    if prepared is None:
                        prepared = await self._connection.prepare(
                            statement, name=True, timeout=seconds
                        )
                    rows: list[Any] = await prepared.fetch(*arguments, timeout=seconds)
                    self._prepared[statement] = prepared
                except BaseException as error:
                    if leaves_doubt(error):
                        self._connection.terminate()
                    raise
                return rows

    async def execute(self, statement: str) -> str:
        """What PostgreSQL says that it did: SELECT and the number of rows."""
        async with self._turn:
            done: str = await self._connection.execute(statement)
        return done

    async def tune(self, channels: set[str], hear: Callable[..., None]) -> set[str]:
        """LISTEN to these and to no others; returns those that are new."""
        new = channels - self._channels
        async with self._turn:
            for channel in sorted(new):
                await self._connection.add_listener(channel, hear)
            for channel in sorted(self._channels - channels):
                await self._connection.remove_listener(channel, hear)
        self._channels = set(channels)
        return new

    async def close(self) -> None:
        """Say goodbye if the server still answers; hang up if not."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._connection.execute("unlisten *")  # a pooler gives the session to others
                await self._connection.execute("select pg_advisory_unlock_all()")
                await self._connection.close()
        except (*GONE, asyncpg.PostgresError):
            self._connection.terminate()

    def terminate(self) -> None:
        self._connection.terminate()
