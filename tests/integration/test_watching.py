"""Watchers are told of changes, or look by themselves; whichever it is, they miss none."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from rowbell.db import journal, watching
from rowbell.db.ears import CHANGES, Ears
from rowbell.db.listener import Listener
from rowbell.db.pool import Database

from integration.conftest import listening, soon

INSERT = "insert into rowbell.tasks (kind) values ('echo')"
HOLDER = """
select max(pid) from pg_locks where locktype = 'advisory' and classid = 1919907682 and objid = 2
  and mode = 'ExclusiveLock' and granted
  and database = (select oid from pg_database where datname = current_database())
"""
DEADLINE_SECONDS = 10.0
PATIENT_SECONDS = 60.0
"""Nobody asks again before the test is over."""


class Follower:
    """Reads the journal when it is told to look, and at no other time."""

    def __init__(self, database: Database) -> None:
        self.told = asyncio.Event()
        self.seen: list[int] = []
        self._database = database

    async def run(self) -> None:
        cursor = await journal.now(self._database)
        while True:
            await self.told.wait()
            self.told.clear()
            page = await journal.read(self._database, cursor, most=10_000)
            cursor = page.cursor
            self.seen += [entry.task_id for entry in page.entries]

    async def has_seen(self, tasks: int) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(self.seen) < tasks:
                await asyncio.sleep(0.01)


@pytest.fixture
async def follower(database: Database) -> AsyncIterator[Follower]:
    follower = Follower(database)
    running = asyncio.create_task(follower.run())
    yield follower
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@asynccontextmanager
async def watched(database_url: str, follower: Follower) -> AsyncIterator[Listener]:
    async with listening(database_url, Ears(changes=follower.told.set)) as listener:
        listener.watch(True)
        yield listener


async def asleep(connection: asyncpg.Connection, *, but: int | None = None) -> int:
    """Until somebody, `but` not this process of the server, is told of every change."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (holder := await connection.fetchval(HOLDER)) in (None, but):
            await asyncio.sleep(0.01)
    return int(holder)


async def awake(connection: asyncpg.Connection) -> int:
    """Insert until nobody is told any more; returns how many tasks."""
    inserted = 0
    async with asyncio.timeout(DEADLINE_SECONDS):
        while await connection.fetchval(HOLDER):
            await connection.execute(INSERT)
            inserted += 1
    return inserted


async def test_changes_that_come_fast_are_seen_without_being_told(
    database_url: str, connection: asyncpg.Connection, follower: Follower
) -> None:
    async with watched(database_url, follower):
        await asleep(connection)
        inserted = await awake(connection)
        heard: list[object] = []
        await connection.add_listener(CHANGES, lambda *told: heard.append(told))
        for _ in range(5):
            await connection.execute(INSERT)
        await follower.has_seen(inserted + 5)
        assert heard == []


async def test_what_was_silent_is_seen_by_who_goes_to_sleep(
    database_url: str,
    connection: asyncpg.Connection,
    follower: Follower,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "AWAKE_SECONDS", 0.1)
    monkeypatch.setattr(watching, "UNSURE_SECONDS", 0.1)
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.2)  # so that it looks with the lock alone
    writer = await asyncpg.connect(database_url)
    async with watched(database_url, follower):
        await asleep(connection)
        inserted = await awake(connection)
        async with writer.transaction():
            await writer.execute(INSERT)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asleep(connection), 0.5)
        await asleep(connection)
        await follower.has_seen(inserted + 1)
    await writer.close()


async def test_who_sleeps_takes_the_lock_that_another_lets_go(
    database_url: str, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "ANOTHER_SECONDS", PATIENT_SECONDS)
    looked = asyncio.Event()
    async with (
        listening(database_url, Ears(), PATIENT_SECONDS) as first,
        listening(database_url, Ears(changes=looked.set), PATIENT_SECONDS) as second,
    ):
        first.watch(True)
        holder = await asleep(connection)
        second.watch(True)
        await soon(looked)  # it has asked for the lock
        first.watch(False)
        await asleep(connection, but=holder)


async def test_nothing_is_missed_however_sleep_and_writers_take_turns(
    database_url: str, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "AWAKE_SECONDS", 0.03)
    monkeypatch.setattr(watching, "UNSURE_SECONDS", 0.03)

    async def write(number: int) -> int:
        dice = random.Random(number)  # noqa: S311 - no secret
        session = await asyncpg.connect(database_url)
        written = 0
        for _ in range(60):
            async with session.transaction():
                for _ in range(dice.randint(1, 3)):
                    await session.execute(INSERT)
                    written += 1
                    await asyncio.sleep(dice.choice((0, 0, 0.005, 0.05)))
            await asyncio.sleep(dice.choice((0, 0, 0, 0.02, 0.1)))
        await session.close()
        return written

    async with watched(database_url, follower):
        written = sum(await asyncio.gather(*(write(number) for number in range(4))))
        await follower.has_seen(written)
    assert len(set(follower.seen)) == len(follower.seen) == written
