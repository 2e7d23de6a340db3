"""How attempts end: complete, fail, release, progress; each fenced by (id, attempt)."""

import asyncio
from typing import Any

import asyncpg
import pytest
from rows import NOON, claim, insert, is_waiting, later, register, row, running

COMPLETE = (
    "select rowbell.complete($1, $2, array_fill(null::text, array[cardinality($1::bigint[])]))"
)
RELEASE = "select id, status::text from rowbell.release($1, $2)"
PROGRESS = "select rowbell.report_progress($1, $2, '{0.5}')"
FAIL = (
    "select id, status::text, failures, max_attempts"
    " from rowbell.fail($1, $2, $3, $4::float8[], $5)"
)


async def fail(
    connection: asyncpg.Connection, task: int, attempt: int, delay: float | None = 10.0
) -> list[tuple[Any, ...]]:
    error = '{"type": "ValueError", "message": "no"}'
    rows = await connection.fetch(FAIL, [task], [attempt], [error], [delay], NOON)
    return [tuple(each) for each in rows]


async def test_a_completed_task_keeps_its_result(connection: asyncpg.Connection) -> None:
    task, attempt, _ = await running(connection)
    refused = await connection.fetch(
        "select rowbell.complete($1, $2, $3, $4)", [task], [attempt], ['{"a": 1}'], NOON
    )
    after = await row(connection, task)
    assert refused == []
    assert (after["status"], after["result"], after["finished_at"]) == (
        "COMPLETED",
        '{"a": 1}',
        NOON,
    )


async def test_completing_twice_is_accepted_and_changes_nothing(
    connection: asyncpg.Connection,
) -> None:
    task, attempt, _ = await running(connection)
    assert await connection.fetch(COMPLETE, [task], [attempt]) == []
    before = await row(connection, task)
    assert await connection.fetch(COMPLETE, [task], [attempt]) == []
    assert await row(connection, task) == before


async def test_an_older_attempt_can_finish_nothing(connection: asyncpg.Connection) -> None:
    task, attempt, worker = await running(connection)
    await connection.fetch(RELEASE, [task], [attempt])
    await claim(connection, worker)
    before = await row(connection, task)
    assert before["attempt"] == attempt + 1
    assert [r[0] for r in await connection.fetch(COMPLETE, [task], [attempt])] == [task]
    assert await fail(connection, task, attempt) == []
    assert await connection.fetch(RELEASE, [task], [attempt]) == []
    await connection.execute(PROGRESS, [task], [attempt])
    assert await row(connection, task) == before


async def test_a_task_that_does_not_exist_is_refused(connection: asyncpg.Connection) -> None:
    assert [r[0] for r in await connection.fetch(COMPLETE, [404], [1])] == [404]


async def test_of_a_batch_only_the_stale_ones_are_refused(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    ids = await insert(connection, count=3)
    await claim(connection, worker)
    refused = await connection.fetch(COMPLETE, ids, [1, 2, 1])
    assert [r[0] for r in refused] == [ids[1]]
    assert (await row(connection, ids[2]))["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("statement", "after_cancel", "after_progress"),
    [
        (COMPLETE, "COMPLETED", "COMPLETED"),
        (FAIL, "CANCELLED", "PENDING"),
        (RELEASE, "CANCELLED", "PENDING"),
    ],
    ids=["complete", "fail", "release"],
)
async def test_an_outcome_that_waits_for_a_change_of_its_row_is_written_after_it(
    database_url: str, statement: str, after_cancel: str, after_progress: str
) -> None:
    writer, changer, observer = [await asyncpg.connect(database_url) for _ in range(3)]
    for change, expected in (
        ("select rowbell.cancel($1)", after_cancel),
        ("update rowbell.tasks set progress = 0.1 where id = $1", after_progress),
    ):
        task, attempt, _ = await running(writer)
        values = [[task], [attempt], *([["{}"], [1e9], later(0)] if statement is FAIL else [])]
        async with changer.transaction():
            await changer.fetch(change, task)
            writing = asyncio.create_task(writer.fetch(statement, *values))
            await is_waiting(observer, writer)
        answer = await writing
        assert answer == [] if statement is COMPLETE else len(answer) == 1
        assert (await row(observer, task))["status"] == expected
        await observer.execute("delete from rowbell.tasks")
    for each in (writer, changer, observer):
        await each.close()


async def test_a_failure_with_a_delay_makes_it_pending_again(
    connection: asyncpg.Connection,
) -> None:
    task, attempt, _ = await running(connection)
    assert await fail(connection, task, attempt) == [(task, "PENDING", 1, 5)]
    after = await row(connection, task)
    assert (after["run_at"], after["finished_at"]) == (later(10), None)
    assert '"message": "no"' in after["error"]
    assert '"attempt": 1' in after["error"]


async def test_a_failure_without_a_delay_is_final(connection: asyncpg.Connection) -> None:
    task, attempt, _ = await running(connection)
    assert await fail(connection, task, attempt, None) == [(task, "FAILED", 1, 5)]
    assert (await row(connection, task))["finished_at"] == NOON


@pytest.mark.parametrize(
    ("own", "of_kind", "most"), [(2, 3, 2), (None, 3, 3), (None, None, 5)], ids=str
)
async def test_the_last_attempt_is_that_of_the_task_or_of_its_kind_or_the_fifth(
    connection: asyncpg.Connection, own: int | None, of_kind: int | None, most: int
) -> None:
    worker = await register(connection, max_attempts=of_kind or 1000)
    if of_kind is None:
        await connection.execute("delete from rowbell.kinds")
    (task,) = await insert(connection, max_attempts=own)
    verdicts = []
    for attempt in range(1, most + 1):
        await claim(connection, worker, at=later(attempt * 60))
        verdicts += await fail(connection, task, attempt)
    assert verdicts[-2:] == [(task, "PENDING", most - 1, most), (task, "FAILED", most, most)]


async def test_a_task_whose_cancel_was_asked_for_is_cancelled_when_its_attempt_fails(
    connection: asyncpg.Connection,
) -> None:
    task, attempt, _ = await running(connection)
    await connection.execute("select rowbell.cancel($1)", task)
    assert await fail(connection, task, attempt) == [(task, "CANCELLED", 1, 5)]


async def test_a_task_whose_cancel_was_asked_for_may_still_complete(
    connection: asyncpg.Connection,
) -> None:
    task, attempt, _ = await running(connection)
    await connection.execute("select rowbell.cancel($1)", task)
    assert await connection.fetch(COMPLETE, [task], [attempt]) == []
    assert (await row(connection, task))["status"] == "COMPLETED"


async def test_a_release_counts_no_failure(connection: asyncpg.Connection) -> None:
    task, attempt, _ = await running(connection)
    released = await connection.fetch(RELEASE, [task], [attempt])
    after = await row(connection, task)
    assert [tuple(each) for each in released] == [(task, "PENDING")]
    assert (after["failures"], after["crashes"], after["worker"]) == (0, 0, None)


async def test_progress_is_written_for_the_running_attempt(
    connection: asyncpg.Connection,
) -> None:
    task, attempt, _ = await running(connection)
    await connection.execute(PROGRESS, [task], [attempt])
    assert (await row(connection, task))["progress"] == 0.5
