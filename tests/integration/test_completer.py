"""Outcomes that are written together."""

import asyncio
from typing import Any

import asyncpg

from rowbell.db import tasks
from rowbell.db.pool import Database
from rowbell.engine.attempt import Outcome
from rowbell.engine.completer import Completer
from rowbell.task import Claim, Failure

from integration.conftest import soon

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
