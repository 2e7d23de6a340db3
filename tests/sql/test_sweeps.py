"""What sweeps do: rescue, prune, and give back strays."""

from typing import Any

import asyncpg
import pytest
from rows import NOON, claim, insert, later, register, row, running

RESCUE = "select worker, host, process, tasks, poisoned from rowbell.rescue($1, $2)"
STRAYS = "select rowbell.release_strays($1, $2, '10 s', $3)"
PRUNE = "select rowbell.prune('7 days', $1, $2)"
BEAT = "select rowbell.heartbeat($1, 0, false, null, $2)"
WEEK = 7 * 86_400


async def rescue(
    connection: asyncpg.Connection, *, after: float = 31, most: int = 100
) -> list[tuple[Any, ...]]:
    return [tuple(each) for each in await connection.fetch(RESCUE, most, later(after))]


async def test_a_silent_worker_is_lost_and_its_tasks_wait_again(
    connection: asyncpg.Connection,
) -> None:
    task, _, worker = await running(connection)
    assert await rescue(connection) == [(worker, "host", 1, 1, 0)]
    after = await row(connection, task)
    assert (after["status"], after["crashes"], after["failures"]) == ("PENDING", 1, 0)
    assert not await connection.fetchval(BEAT, worker, later(31))


async def test_a_worker_that_beats_keeps_its_tasks(connection: asyncpg.Connection) -> None:
    task, _, worker = await running(connection)
    assert await connection.fetchval(BEAT, worker, later(20))
    assert await rescue(connection) == []
    assert (await row(connection, task))["status"] == "PROCESSING"


async def test_a_task_that_lost_five_workers_is_failed(connection: asyncpg.Connection) -> None:
    (task,) = await insert(connection)
    for crash in range(5):
        worker = await register(connection)
        await claim(connection, worker)
        assert await rescue(connection) == [(worker, "host", 1, 1, int(crash == 4))]
    after = await row(connection, task)
    assert (after["status"], after["crashes"], after["failures"]) == ("FAILED", 5, 0)
    assert after["finished_at"] == later(31)
    assert "WorkerLost" in after["error"]


async def test_a_task_whose_cancel_was_asked_for_is_cancelled_by_the_rescue(
    connection: asyncpg.Connection,
) -> None:
    task, _, _ = await running(connection)
    await connection.execute(f"select rowbell.cancel({task})")
    await rescue(connection)
    after = await row(connection, task)
    assert (after["status"], after["finished_at"]) == ("CANCELLED", later(31))


async def test_tasks_of_a_worker_without_a_row_are_rescued(
    connection: asyncpg.Connection,
) -> None:
    task, _, worker = await running(connection)
    await connection.execute("delete from rowbell.workers")
    assert await rescue(connection, after=0) == [(worker, None, None, 1, 0)]
    assert (await row(connection, task))["status"] == "PENDING"


async def test_tasks_of_a_worker_that_signed_off_are_rescued(
    connection: asyncpg.Connection,
) -> None:
    _, _, worker = await running(connection)
    await connection.execute(f"select rowbell.sign_off({worker})")
    assert await rescue(connection, after=0) == [(worker, "host", 1, 1, 0)]


async def test_a_rescue_takes_at_most_so_many_and_the_next_one_the_rest(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    await insert(connection, count=5)
    await claim(connection, worker)
    taken = [await rescue(connection, most=2) for _ in range(4)]
    assert [sum(each[3] for each in batch) for batch in taken] == [2, 2, 1, 0]


async def test_strays_are_given_back_but_not_what_is_held_or_was_just_claimed(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    held, stray, fresh = await insert(connection, count=3)
    await claim(connection, worker, 2)
    await claim(connection, worker, 1, at=later(15))
    back = await connection.fetch(STRAYS, worker, [held], later(20))
    assert [each[0] for each in back] == [stray]
    after = await row(connection, stray)
    assert (after["status"], after["failures"], after["worker"]) == ("PENDING", 0, None)
    assert (await row(connection, fresh))["status"] == "PROCESSING"


async def test_a_stray_whose_cancel_was_asked_for_is_cancelled(
    connection: asyncpg.Connection,
) -> None:
    task, _, worker = await running(connection)
    await connection.execute(f"select rowbell.cancel({task})")
    await connection.fetch(STRAYS, worker, [], later(20))
    after = await row(connection, task)
    assert (after["status"], after["finished_at"]) == ("CANCELLED", later(20))


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "CANCELLED"])
async def test_finished_tasks_are_deleted_after_the_retention(
    connection: asyncpg.Connection, status: str
) -> None:
    await insert(connection, status=status, finished_at=NOON)
    assert await connection.fetchval(PRUNE, 10, later(WEEK)) == 0
    assert await connection.fetchval(PRUNE, 10, later(WEEK + 1)) == 1


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING"])
async def test_open_tasks_are_never_deleted(connection: asyncpg.Connection, status: str) -> None:
    await insert(connection, status=status)
    assert await connection.fetchval(PRUNE, 10, later(99 * WEEK)) == 0


async def test_a_prune_deletes_at_most_so_many_the_oldest_first(
    connection: asyncpg.Connection,
) -> None:
    (young,) = await insert(connection, status="FAILED", finished_at=later(5))
    await insert(connection, status="FAILED", finished_at=NOON, count=2)
    assert await connection.fetchval(PRUNE, 2, later(2 * WEEK)) == 2
    assert await connection.fetchval("select array_agg(id) from rowbell.tasks") == [young]


async def test_workers_that_ended_are_kept_for_a_day(connection: asyncpg.Connection) -> None:
    ended = await register(connection)
    alive = await register(connection)
    await connection.execute(f"select rowbell.sign_off({ended}, '{NOON}')")
    await connection.fetchval(PRUNE, 1, later(86_400))
    assert await connection.fetchval("select count(*) from rowbell.workers") == 2
    await connection.fetchval(PRUNE, 1, later(86_401))
    assert await connection.fetchval("select array_agg(id) from rowbell.workers") == [alive]
