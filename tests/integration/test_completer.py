"""Outcomes that are written together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from rowbell.db import tasks
from rowbell.db.pool import Database
from rowbell.engine.attempt import Outcome
from rowbell.engine.completer import BATCH, PILE, Completer
from rowbell.task import Claim, Failure

from deadline import DEADLINE_SECONDS
from integration.conftest import Tasks, soon

REGISTER = """
select rowbell.register_worker('host', 1, '0', '{*}', 10, 30,
  '[{"name": "echo", "description": "", "max_attempts": 5}]')
"""


async def claimed_twice(database: Database, connection: asyncpg.Connection) -> tuple[Claim, Claim]:
    """The first attempt at a task, which was given back, and the second one at it."""
    worker = await connection.fetchval(REGISTER)
    await connection.execute("insert into rowbell.tasks (kind) values ('echo')")
    (first,) = await tasks.claim(database, "default", worker, 1, ["echo"])
    await tasks.release(database, [first.id], [first.attempt])
    (second,) = await tasks.claim(database, "default", worker, 1, ["echo"])
    return first, second


async def test_late_outcome_is_refused_also_beside_that_of_a_later_attempt(
    database: Database, connection: asyncpg.Connection, events: list[Any]
) -> None:
    first, second = await claimed_twice(database, connection)
    completer = Completer(database)
    await completer.put(Outcome(second, result="2"))
    await completer.put(Outcome(first, result="1"))
    writing = asyncio.create_task(completer.run())
    await soon(completer.settled)
    writing.cancel()
    told = {(event["event"], event["attempt"]) for event in events if "attempt" in event}
    assert told == {("attempt.refused", 1), ("task.completed", 2)}
    assert await connection.fetchval("select result::text from rowbell.tasks") == "2"


async def test_late_failure_is_refused_also_beside_that_of_a_later_attempt(
    database: Database, connection: asyncpg.Connection, events: list[Any]
) -> None:
    first, second = await claimed_twice(database, connection)
    completer = Completer(database)
    for claim in (first, second):
        await completer.put(Outcome(claim, failure=Failure("Oops", "", delay=60)))
    writing = asyncio.create_task(completer.run())
    await soon(completer.settled)
    writing.cancel()
    told = {(event["event"], event["attempt"]) for event in events if "attempt" in event}
    assert told == {("attempt.refused", 1), ("task.failed", 2)}
    assert await connection.fetchval("select failures from rowbell.tasks") == 1


async def claimed(database: Database, connection: asyncpg.Connection, number: int) -> list[Claim]:
    worker = await connection.fetchval(REGISTER)
    insert = "insert into rowbell.tasks (kind) select 'echo' from generate_series(1, $1)"
    await connection.execute(insert, number)
    claims = await tasks.claim(database, "default", worker, number, ["echo"])
    return sorted(claims, key=lambda claim: claim.id)


@asynccontextmanager
async def held_up(
    database: Database, database_url: str, claim: Claim, others: Tasks
) -> AsyncIterator[Completer]:
    """A completer that writes the outcome of one claim: somebody has the row locked."""
    completer = Completer(database)
    locker = await asyncpg.connect(database_url)
    writing = asyncio.create_task(completer.run())
    try:
        async with locker.transaction():
            await locker.execute("select from rowbell.tasks where id = $1 for update", claim.id)
            await completer.put(Outcome(claim))
            await others.until("exists (select from pg_locks where not granted)")
            yield completer
        await soon(completer.settled)
    finally:
        writing.cancel()
        await locker.close()


async def put(completer: Completer, claims: list[Claim]) -> None:
    for claim in claims:
        await completer.put(Outcome(claim))


async def until_held(completer: Completer, *claims: Claim) -> None:
    """Wait until just these are not written yet: that others are, its answers have to tell."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while completer.held() != [claim.id for claim in claims]:
            await asyncio.sleep(0.01)


LARGEST_BATCH = """
select count(*) from rowbell.journal where event = 'COMPLETED' group by xid order by 1 desc limit 1
"""
COMPLETED = "(select count(*) from rowbell.tasks where status = 'COMPLETED') = $1"


async def test_second_batch_is_written_while_the_first_waits_for_a_lock(
    database: Database, database_url: str, connection: asyncpg.Connection
) -> None:
    first, *others = await claimed(database, connection, 1 + PILE)
    rows = Tasks(connection)
    async with held_up(database, database_url, first, rows) as completer:
        await put(completer, others)
        await until_held(completer, first)
        await rows.until(COMPLETED, PILE)
        assert not completer.settled.is_set()
    await rows.until(COMPLETED, 1 + PILE)


async def test_few_outcomes_wait_for_the_batch_before_them(
    database: Database, database_url: str, connection: asyncpg.Connection
) -> None:
    first, *others = await claimed(database, connection, 2 * PILE)
    rows = Tasks(connection)
    async with held_up(database, database_url, first, rows) as completer:
        await put(completer, others)
        await until_held(completer, first)
        (late,) = await claimed(database, connection, 1)
        await completer.put(Outcome(late))
        for _ in range(3):  # a second writer would have begun by now
            await connection.fetchval("select true")
        assert completer.held() == [late.id, first.id]


async def test_second_batch_waits_until_handlers_leave_a_connection(
    database: Database, database_url: str, connection: asyncpg.Connection
) -> None:
    first, *others = await claimed(database, connection, 1 + PILE)
    rows = Tasks(connection)
    async with held_up(database, database_url, first, rows) as completer:
        async with database.for_handler(), database.for_handler():
            await put(completer, others)
            for _ in range(3):
                await connection.fetchval("select true")
            assert len(completer.held()) == 1 + PILE
        await rows.until(COMPLETED, PILE)


async def test_batches_do_not_grow_beyond_their_most(
    database: Database, connection: asyncpg.Connection
) -> None:
    completer = Completer(database)
    await put(completer, await claimed(database, connection, 2 * BATCH + 1))
    writing = asyncio.create_task(completer.run())
    await soon(completer.settled)
    writing.cancel()
    assert await connection.fetchval(LARGEST_BATCH) == BATCH
