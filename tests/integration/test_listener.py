"""The listener: it hears, and tells changes only to those who watch."""

import asyncio

import asyncpg
import pytest

from rowbell.db.ears import BELL, Ears

from deadline import DEADLINE_SECONDS
from integration.conftest import listening, soon


async def test_bell_is_heard_with_the_name_of_the_queue(
    database_url: str, connection: asyncpg.Connection
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with listening(database_url, Ears(bell=heard.put_nowait)):
        await connection.execute(
            "insert into rowbell.tasks (kind, queue) values ('echo', 'reports')"
        )
        assert await asyncio.wait_for(heard.get(), DEADLINE_SECONDS) == "reports"


@pytest.mark.parametrize("wanted", [True, False])
async def test_changes_are_told_only_while_somebody_watches(
    database_url: str, connection: asyncpg.Connection, wanted: bool
) -> None:
    told, rung = asyncio.Event(), asyncio.Event()
    ears = Ears(changes=told.set, bell=lambda _: rung.set())
    async with listening(database_url, ears) as listener:
        listener.watch(wanted)
        if wanted:
            await soon(told)  # the lock is held now
            told.clear()
        await connection.execute(f"notify {BELL}, 'before'")
        await soon(rung)
        rung.clear()
        await connection.execute("insert into rowbell.tasks (kind) values ('echo')")
        await soon(rung)
        assert told.is_set() == wanted
