"""tell_watchers: one notification a transaction, and only while somebody watches."""

import asyncpg
import pytest
from rows import Ear, claim, insert, register

WATCH = "select pg_try_advisory_lock(1919907682, 2)"
TOLD = [("rowbell_changes", "")]


async def test_nobody_is_told_while_nobody_watches(
    connection: asyncpg.Connection, changes: Ear
) -> None:
    await insert(connection)
    assert await changes.heard() == []


async def test_watchers_are_told_once_a_transaction(
    connection: asyncpg.Connection, other: asyncpg.Connection, changes: Ear
) -> None:
    assert await other.fetchval(WATCH)
    async with connection.transaction():
        await insert(connection, count=3)
        await insert(connection)
    assert await changes.heard() == TOLD


@pytest.mark.parametrize(
    "change",
    [
        "update rowbell.tasks set progress = 0.5",
        "delete from rowbell.tasks",
        "select (rowbell.cancel(id)).id from rowbell.tasks",
    ],
)
async def test_watchers_are_told_of_every_change(
    connection: asyncpg.Connection, other: asyncpg.Connection, changes: Ear, change: str
) -> None:
    await insert(connection)
    assert await other.fetchval(WATCH)
    await connection.execute(change)
    assert await changes.heard() == TOLD


async def test_watchers_are_told_of_claims(
    connection: asyncpg.Connection, other: asyncpg.Connection, changes: Ear
) -> None:
    worker = await register(connection)
    await insert(connection)
    assert await other.fetchval(WATCH)
    await claim(connection, worker)
    assert await changes.heard() == TOLD


async def test_nobody_is_told_of_what_was_rolled_back(
    connection: asyncpg.Connection, other: asyncpg.Connection, changes: Ear
) -> None:
    assert await other.fetchval(WATCH)
    await connection.execute("begin; insert into rowbell.tasks (kind) values ('aaa'); rollback")
    assert await changes.heard() == []


async def test_nobody_is_told_after_the_watch(
    connection: asyncpg.Connection, other: asyncpg.Connection, changes: Ear
) -> None:
    assert await other.fetchval(WATCH)
    await other.execute("select pg_advisory_unlock(1919907682, 2)")
    await insert(connection)
    assert await changes.heard() == []


async def test_a_watch_cannot_begin_while_a_change_that_told_nobody_is_in_flight(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    async with connection.transaction():
        await insert(connection)
        assert not await other.fetchval(WATCH)
    assert await other.fetchval(WATCH)
