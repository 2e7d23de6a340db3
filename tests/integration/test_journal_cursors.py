"""Snapshot cursors under fire: nothing missed, nothing twice, each task in order."""

import asyncio
import random

import asyncpg

from rowbell.db import journal
from rowbell.db.pool import Database
from rowbell.journal import Cursor, Entry, Scope

from integration.conftest import both_servers

pytestmark = both_servers

WRITERS = 16
SECONDS = 4.0
ALL = "select id, kind from rowbell.journal order by id"
EVEN = Scope(tasks=[], queues=[], kinds=["even"])


class Fire:
    """Writers that hold, abort and nest transactions, until they are told to stop."""

    def __init__(self, url: str, seed: int) -> None:
        self._url = url
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self.over = False
        self.out = False
        """True once all transactions have ended."""

    async def burn(self, number: int) -> None:
        session = await asyncpg.connect(self._url)
        try:
            while not self.over:
                await self._write(session, "odd" if number % 2 else "even", slow=number < 2)
        finally:
            await session.close()

    async def _write(self, session: asyncpg.Connection, kind: str, *, slow: bool) -> None:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("insert into rowbell.tasks (kind) values ($1)", kind)
        savepoint = session.transaction()
        await savepoint.start()
        await session.execute(
            "update rowbell.tasks set progress = random() where id in"
            " (select id from rowbell.tasks order by random() limit 3 for update skip locked)"
        )
        await (savepoint.rollback() if self._random.random() < 0.3 else savepoint.commit())
        if slow:
            await session.execute("select pg_sleep(1)")  # a transaction of a second
        await (transaction.rollback() if self._random.random() < 0.2 else transaction.commit())


async def follow(
    database: Database, since: Cursor, fire: Fire, *, most: int, within: Scope | None
) -> list[Entry]:
    """What a reader gets that pauses, and cuts its pages, at random; ends when all is read."""
    pauses = random.Random(most)  # noqa: S311 - no secret
    entries: list[Entry] = []
    while True:
        was_out = fire.out
        page = await journal.read(database, since, most=most, within=within)
        entries += page.entries
        since = page.cursor
        if page.entries and pauses.random() < 0.3:
            since = page.cursor_at(page.entries[len(page.entries) // 2])
            del entries[len(entries) - len(page.entries) + len(page.entries) // 2 + 1 :]
        elif page.is_last and was_out:
            return entries
        if pauses.random() < 0.5:
            await asyncio.sleep(pauses.random() * 0.05)


async def test_every_entry_is_read_once_and_those_of_a_task_in_order(
    database_url: str, database: Database, connection: asyncpg.Connection
) -> None:
    fire = Fire(database_url, seed=4)
    start = await journal.now(database)
    async with asyncio.TaskGroup() as group:
        burning = [group.create_task(fire.burn(number)) for number in range(WRITERS)]
        readers = [
            (within, group.create_task(follow(database, start, fire, most=most, within=within)))
            for most in (7, 1_000)
            for within in (None, EVEN)
        ]
        await asyncio.sleep(SECONDS)
        fire.over = True
        await asyncio.wait(burning)
        fire.out = True
    written = await connection.fetch(ALL)
    assert len(written) > 100
    for within, reader in readers:
        wanted = [row["id"] for row in written if within is None or row["kind"] == "even"]
        read = [entry.id for entry in reader.result()]
        assert len(read) == len(set(read)), "something came twice"
        assert sorted(read) == wanted, "something was missed"
        last: dict[int, int] = {}
        for entry in reader.result():
            assert entry.id > last.get(entry.task_id, 0), "a task was told out of order"
            last[entry.task_id] = entry.id


async def test_a_cut_page_goes_on_where_it_was_cut_whatever_was_committed_since(
    database: Database, connection: asyncpg.Connection
) -> None:
    start = await journal.now(database)
    insert = "insert into rowbell.tasks (kind) select 'aaa' from generate_series(1, 5)"
    await connection.execute(insert)
    page = await journal.read(database, start, most=3)
    assert (len(page.entries), page.is_last) == (3, False)
    await connection.execute(insert)
    page = await journal.read(database, page.cursor, most=3)
    assert (len(page.entries), page.is_last) == (2, False)
    page = await journal.read(database, page.cursor, most=30)
    assert (len(page.entries), page.is_last) == (5, True)


async def test_an_open_transaction_delays_nobody_and_comes_once_it_commits(
    database: Database, connection: asyncpg.Connection, database_url: str
) -> None:
    start = await journal.now(database)
    other = await asyncpg.connect(database_url)
    transaction = other.transaction()
    await transaction.start()
    await other.execute("insert into rowbell.tasks (kind) values ('late')")
    await connection.execute("insert into rowbell.tasks (kind) values ('early')")
    page = await journal.read(database, start, most=10)
    assert [entry.kind for entry in page.entries] == ["early"]
    await transaction.commit()
    await other.close()
    page = await journal.read(database, page.cursor, most=10)
    assert [entry.kind for entry in page.entries] == ["late"]
