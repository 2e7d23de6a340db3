"""An application as most are: many callers, a pool of connections, a row for each call."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from rowbell.db.floor import INSERT as ON_FLOOR
from rowbell.db.pool import CONNECT_SECONDS
from rowbell.db.refusals import translated

CONNECTIONS = 4
"""As in the harness of the peers: who calls does not wait for who called before."""

_TASK = "insert into rowbell.tasks (kind, queue, payload) values ($1, $2, $3::text::jsonb)"


class Callers:
    """For any number of calls at a time."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str) -> AsyncIterator["Callers"]:
        """Raises Unavailable."""
        with translated():
            async with asyncpg.create_pool(
                url,
                min_size=CONNECTIONS,
                max_size=CONNECTIONS,
                timeout=CONNECT_SECONDS,
                server_settings={"application_name": "rowbell bench"},
            ) as pool:
                yield cls(pool)

    async def insert(self, kind: str, queue: str, number: int) -> None:
        """One task with a number in its payload, committed."""
        await self._pool.execute(_TASK, kind, queue, f'{{"number": {number}}}')

    async def insert_on_floor(self, number: int) -> None:
        """One row into the table of the floor, committed."""
        await self._pool.execute(ON_FLOOR, f'{{"number": {number}}}')
