"""What happens to PostgreSQL while the crowd watches."""

import asyncio
import contextlib
from random import Random

import asyncpg

from postgres import Server

LONGEST_OUTAGE_SECONDS = 1.5

END_LISTENERS = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where application_name = 'rowbell listener' and datname = current_database()
"""
GONE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
ANSWER_SECONDS = 5.0


class Disturber:
    """Ends listeners at random, and restarts the server once if it is given."""

    def __init__(self, database_url: str, dice: Random, server: Server | None = None) -> None:
        self.listeners_ended = 0
        self._url = database_url
        self._dice = dice
        self._server = server

    async def run(self, seconds: float) -> None:
        """For so long."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._end_listeners(seconds))
            if self._server:
                group.create_task(self._restart(self._server, seconds))

    async def _end_listeners(self, seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(self._dice.uniform(0, seconds / 4))
            with contextlib.suppress(*GONE):
                async with asyncio.timeout(ANSWER_SECONDS):
                    connection = await asyncpg.connect(self._url)
                    try:
                        self.listeners_ended += await connection.fetchval(END_LISTENERS)
                    finally:
                        connection.terminate()

    async def _restart(self, server: Server, seconds: float) -> None:
        await asyncio.sleep(self._dice.uniform(seconds / 4, seconds / 2))
        await asyncio.to_thread(server.stop, self._dice.choice(["fast", "immediate"]))
        await asyncio.sleep(self._dice.uniform(0, LONGEST_OUTAGE_SECONDS))
        await asyncio.to_thread(server.start)
