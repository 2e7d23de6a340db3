"""The pipe to PostgreSQL: one connection kept for claims and heartbeats, a pool for the rest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from time import perf_counter
from typing import Any, Self

import asyncpg

from rowbell.db.kept import Kept
from rowbell.db.refusals import BROKEN, GONE, translated
from rowbell.measures import measures

Connection = Any  # asyncpg ships no types for what its pools hand out

POOL_SIZE = 3
STATEMENT_SECONDS = 30.0
CLAIM_SECONDS = 10.0
CONNECT_SECONDS = 4.0
"""Short, for what was begun in a dark network may get no answer even when it is lit again."""

RELEASE_SECONDS = 1.0

# A pooler that changes sessions between transactions keeps no prepared statement for us: with
# this, asyncpg sends every statement whole, together with its arguments.
UNPREPARED: dict[str, Any] = {"statement_cache_size": 0}

ROLLBACK_SECONDS = 0.5

# What asyncpg's own reset leaves: roles that were set, and temporary tables.
_FORGET = "reset session authorization; reset role; discard temp"


class Database:
    """The connections of one process, the listener's excepted: four at the most.

    `kept` serves claims and heartbeats, which handlers must never starve; `pooled` the rest.
    """

    def __init__(self, url: str, kept: Kept, pool: Any) -> None:
        self.url = url
        self.at: datetime | None = None
        """When it is for tasks, as rowbell.testing has it; None: as the server has it."""
        self._kept = kept
        self._pool = pool
        # Handlers may hold transactions for long: one connection stays free for outcomes.
        self._for_handlers = asyncio.Semaphore(POOL_SIZE - 1)

    @classmethod
    async def open(cls, url: str, *, name: str) -> Self:
        """Connect; `name` is the application_name. Raises Unavailable."""
        options: dict[str, Any] = {"dsn": url, "timeout": CONNECT_SECONDS}
        with translated():
            # A statement ends although nobody is left to cancel it. Poolers know no such parameter.
            ended_by_itself = {"statement_timeout": f"{STATEMENT_SECONDS + 5:g}s"}
            if await _leads_to_pooler(url):
                options |= UNPREPARED
                ended_by_itself = {}
            kept = Kept(
                seconds=STATEMENT_SECONDS,
                command_timeout=CLAIM_SECONDS,
                server_settings={"application_name": f"{name} claims"},
                **options,
            )
            pool = await asyncpg.create_pool(
                min_size=0,  # or asyncpg reconnects, and complains, behind our back
                max_size=POOL_SIZE,
                max_inactive_connection_lifetime=0.0,
                reset=_keep_session,
                command_timeout=STATEMENT_SECONDS,
                server_settings={"application_name": name, **ended_by_itself},
                **options,
            )
        database = cls(url, kept, pool)
        async with database.kept() as connection:
            await connection.fetchval("select true")
        return database

    async def close(self) -> None:
        """Close all connections, waiting a few seconds for statements under way."""
        for connections, hang_up in (
            (self._kept, self._kept.hang_up),
            (self._pool, self._pool.terminate),
        ):
            try:
                async with asyncio.timeout(5):
                    await connections.close()
            except (*GONE, asyncpg.PostgresError):
                hang_up()

    def load(self) -> list[tuple[str, int, int]]:
        """(name, used, idle): the kept connection, and the pool."""
        used, idle = self._kept.is_used, self._kept.is_open and not self._kept.is_used
        pool = self._pool
        return [
            ("claims", int(used), int(idle)),
            ("rest", pool.get_size() - pool.get_idle_size(), pool.get_idle_size()),
        ]

    def hang_up(self) -> None:
        """End all connections at once: whatever waits for an answer fails."""
        self._kept.hang_up()
        self._pool.terminate()

    def kept(self) -> AbstractAsyncContextManager[Connection]:
        """The connection for claims and heartbeats. Raises as `pooled` does."""
        return self._kept

    @asynccontextmanager
    async def pooled(self) -> AsyncIterator[Connection]:
        """A connection of the pool. Raises Unavailable and the errors of BY_SQLSTATE."""
        async with _acquired(self._pool) as connection:
            yield connection

    @asynccontextmanager
    async def spare(self) -> AsyncIterator[None]:
        """While it lasts, handlers hold one connection less: there is one for somebody else."""
        async with self._for_handlers:
            yield

    @asynccontextmanager
    async def for_handler(self) -> AsyncIterator[Connection]:
        """A connection for a handler's own statements; its session state is reset afterwards."""
        async with self._for_handlers, self._pool.acquire() as connection:
            try:
                await _lift_timeout(connection)
                yield connection
            finally:
                if not connection.is_closed():
                    await connection.reset(timeout=CONNECT_SECONDS)
                    await connection.execute(_FORGET, timeout=CONNECT_SECONDS)


async def _lift_timeout(connection: Connection) -> None:
    """Handlers have timeouts of their own."""
    try:
        await connection.execute("set statement_timeout = 0", timeout=CONNECT_SECONDS)
    except BaseException:
        connection.terminate()  # an attempt that is ended must not wait for a dark network
        raise


@asynccontextmanager
async def _acquired(pool: Any) -> AsyncIterator[Connection]:
    with translated():
        asked = perf_counter()
        connection = await pool.acquire(timeout=STATEMENT_SECONDS)
        measures.connection_waits.add(perf_counter() - asked)
        try:
            yield connection
        except (*BROKEN, TimeoutError):
            connection.terminate()  # a failed-over, ending or silent server: never use it again
            raise
        finally:
            with suppress(TimeoutError):  # a silent server confirms no cancel: hung up by asyncpg
                await pool.release(connection, timeout=RELEASE_SECONDS)


@asynccontextmanager
async def within_transaction(connection: Connection) -> AsyncIterator[None]:
    """A transaction of a handler. An attempt that is ended does not wait long for its rollback.

    On a dark network it would outlast the lease; hanging up rolls back as well.
    """
    transaction = connection.transaction()
    try:
        await transaction.start()
        yield
        await transaction.commit()
    except BaseException:
        try:
            async with asyncio.timeout(ROLLBACK_SECONDS):
                await transaction.rollback()
        except (*GONE, asyncpg.PostgresError):
            connection.terminate()
        raise


async def _keep_session(_: Connection) -> None:
    """No statement of ours leaves session state behind, so none has to be cleared."""


async def is_pooled(connection: Connection) -> bool:
    """A pooler tells a process id of its own. The connection has to be UNPREPARED."""
    session: int = await connection.fetchval("select pg_backend_pid()")
    reported: int = connection.get_server_pid()
    return session != reported


async def _leads_to_pooler(url: str) -> bool:
    connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, **UNPREPARED)
    try:
        return await is_pooled(connection)
    finally:
        await connection.close(timeout=CONNECT_SECONDS)
