"""Who is awake need not be rung, and nothing that was inserted in silence is missed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from rows import Ear, register

from deadline import DEADLINE_SECONDS

INSERT = "insert into rowbell.tasks (kind, queue) values ('aaa', 'default')"
PATIENCE = timedelta(milliseconds=20)


@pytest.fixture
async def attendant(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    session = await asyncpg.connect(database_url)
    yield session
    await session.close()


@pytest.fixture
async def another(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    session = await asyncpg.connect(database_url)
    yield session
    await session.close()


async def stay_awake(attendant: asyncpg.Connection, *kinds: str) -> list[int]:
    keys: list[int] = await attendant.fetchval(
        "select rowbell.stay_awake('default', $1)", list(kinds)
    )
    return keys


async def stand_down(attendant: asyncpg.Connection, keys: list[int]) -> bool:
    passed: bool = await attendant.fetchval("select rowbell.stand_down($1, $2)", keys, PATIENCE)
    return passed


async def test_while_somebody_is_awake_for_its_kind_an_insert_rings_nothing(
    connection: asyncpg.Connection, attendant: asyncpg.Connection, ear: Ear
) -> None:
    await stay_awake(attendant, "aaa")
    await connection.execute(INSERT)
    assert await ear.heard() == []


@pytest.mark.parametrize(("kind", "queue"), [("bbb", "default"), ("aaa", "other")])
async def test_somebody_awake_for_something_else_is_rung(
    connection: asyncpg.Connection, attendant: asyncpg.Connection, ear: Ear, kind: str, queue: str
) -> None:
    await stay_awake(attendant, "aaa")
    await connection.execute("insert into rowbell.tasks (kind, queue) values ($1, $2)", kind, queue)
    assert await ear.heard() == [("rowbell_bell", queue)]


async def test_a_retry_rings_nothing_while_somebody_is_awake(
    connection: asyncpg.Connection, attendant: asyncpg.Connection, ear: Ear
) -> None:
    await connection.execute(INSERT)
    await connection.execute("select rowbell.cancel(id) from rowbell.tasks")
    await ear.heard()
    await stay_awake(attendant, "aaa")
    await connection.execute("select rowbell.retry(id) from rowbell.tasks")
    assert await ear.heard() == []


async def test_who_stands_down_is_rung_again(
    connection: asyncpg.Connection, attendant: asyncpg.Connection, ear: Ear
) -> None:
    assert await stand_down(attendant, await stay_awake(attendant, "aaa"))
    await connection.execute(INSERT)
    assert await ear.heard() == [("rowbell_bell", "default")]


async def test_the_gate_is_closed_until_a_silent_transaction_has_ended(
    connection: asyncpg.Connection, attendant: asyncpg.Connection
) -> None:
    keys = await stay_awake(attendant, "aaa")
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(INSERT)
    assert not await stand_down(attendant, keys)
    await transaction.commit()
    assert await stand_down(attendant, [])


async def test_a_savepoint_that_is_rolled_back_opens_the_gate(
    connection: asyncpg.Connection, attendant: asyncpg.Connection
) -> None:
    keys = await stay_awake(attendant, "aaa")
    async with connection.transaction():
        savepoint = connection.transaction()
        await savepoint.start()
        await connection.execute(INSERT)
        await savepoint.rollback()
        assert await stand_down(attendant, keys)


async def test_while_somebody_waits_at_the_gate_inserts_ring(
    connection: asyncpg.Connection,
    attendant: asyncpg.Connection,
    another: asyncpg.Connection,
    ear: Ear,
) -> None:
    await stay_awake(attendant, "aaa")
    await another.execute("select pg_advisory_lock(1919907685, 0)")  # as stand_down has it
    await connection.execute(INSERT)
    assert await ear.heard() == [("rowbell_bell", "default")]


async def test_the_dead_are_not_awake(
    connection: asyncpg.Connection, attendant: asyncpg.Connection, ear: Ear
) -> None:
    await stay_awake(attendant, "aaa")
    await connection.execute("select pg_terminate_backend($1, 5000)", attendant.get_server_pid())
    await connection.execute(INSERT)
    assert await ear.heard() == [("rowbell_bell", "default")]


async def test_a_transaction_holds_one_lock_however_many_queues_it_fills(
    connection: asyncpg.Connection,
) -> None:
    async with connection.transaction():
        await connection.execute(
            "insert into rowbell.tasks (kind, queue)"
            " select 'aaa', 'q' || n from generate_series(1, 500) n"
        )
        held = await connection.fetch(
            "select classid, count(*) from pg_locks"
            " where locktype = 'advisory' and pid = pg_backend_pid() and classid <> 1919907682"
            " group by 1"
        )
    assert [tuple(row) for row in held] == [(1919907685, 1)]


async def test_the_chair_has_one_holder(
    attendant: asyncpg.Connection, another: asyncpg.Connection
) -> None:
    take = "select rowbell.take_chair(7, $1)"
    assert await attendant.fetchval(take, timedelta(0))
    assert not await another.fetchval(take, timedelta(0))
    assert not await another.fetchval(take, PATIENCE)
    await attendant.execute("select rowbell.leave_chair(7, '{}')")
    assert await another.fetchval(take, timedelta(0))


async def test_a_chair_that_nobody_waits_for_is_kept_and_so_are_the_eyes(
    connection: asyncpg.Connection, attendant: asyncpg.Connection, ear: Ear
) -> None:
    await attendant.fetchval("select rowbell.take_chair(7, '0')")
    keys = await stay_awake(attendant, "aaa")
    assert await attendant.fetchval("select rowbell.hand_on_chair(7, $1)", keys) == keys
    await connection.execute(INSERT)
    assert await ear.heard() == []


async def test_a_lost_worker_loses_its_chair_too(
    connection: asyncpg.Connection, attendant: asyncpg.Connection, another: asyncpg.Connection
) -> None:
    take = "select rowbell.take_chair(7, '0')"
    assert await attendant.fetchval(take)
    worker = await register(connection)
    await connection.execute(
        "select rowbell.heartbeat($1, 0, false, jsonb_build_object('session', $2::int))",
        worker,
        attendant.get_server_pid(),
    )
    await connection.execute("select rowbell.rescue(at => now() + interval '1 day')")
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await another.fetchval(take):
            await asyncio.sleep(0.01)


async def test_a_session_without_a_chair_is_left_alone(
    connection: asyncpg.Connection, another: asyncpg.Connection
) -> None:
    assert not await connection.fetchval("select rowbell.unseat($1)", another.get_server_pid())
    assert await another.fetchval("select true")
