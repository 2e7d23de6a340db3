"""The answer to a claim comes so late that the tasks may have been given to others."""

import asyncio
from typing import Any

import asyncpg

from rowbell import Context

from deadline import DEADLINE_SECONDS
from integration.conftest import StartEngine, soon, until_event
from line import Line

LEASE_SECONDS = 3.0
CLAIMING = """
select exists (select from pg_locks where relation = 'rowbell.tasks'::regclass and not granted)
"""


async def test_claim_that_arrives_after_the_lease_is_not_begun_but_given_back(
    database_url: str,
    line: Line,
    connection: asyncpg.Connection,
    start_engine: StartEngine,
    events: list[Any],
) -> None:
    begun: list[int] = []
    again = asyncio.Event()

    async def note(context: Context) -> None:
        begun.append(context.attempt)
        if context.attempt > 1:
            again.set()

    engine = await start_engine(
        note, database_url=line.url(database_url), lease_seconds=LEASE_SECONDS
    )
    async with asyncio.timeout(DEADLINE_SECONDS), connection.transaction():
        await connection.execute("insert into rowbell.tasks (kind) values ('note')")
        await connection.execute("lock table rowbell.tasks in access exclusive mode")
        engine.worker.dispatchers.bell("default")
        while not await connection.fetchval(CLAIMING):
            await asyncio.sleep(0.01)
        line.dark()
    await asyncio.sleep(LEASE_SECONDS)
    assert not begun
    line.lit()
    await until_event(events, "claim.failed")
    await soon(again)
    assert begun == [2]
