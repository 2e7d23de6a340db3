"""after, after_batch and after_failure: who waits for whom, and what happens when one fails."""

import asyncio
from typing import Any

import asyncpg
import pytest
from rows import NOON, Ear, claim, insert, is_waiting, later, register, row

from deadline import DEADLINE_SECONDS

COMPLETE = "select rowbell.complete(array[$1::bigint], array[$2::int], array[null::text], $3)"
FAIL = (
    "select id from rowbell.fail("
    "array[$1::bigint], array[$2::int], array['{}'], array[null::float8], $3)"
)


async def finish(connection: asyncpg.Connection, worker: int, outcome: str = COMPLETE) -> list[int]:
    """Claim whatever is ready and end it; returns the ids."""
    claims = await claim(connection, worker)
    for each in claims:
        await connection.execute(outcome, each["id"], each["attempt"], NOON)
    return [each["id"] for each in claims]


async def status(connection: asyncpg.Connection, task_id: int) -> str:
    found: str = (await row(connection, task_id))["status"]
    return found


async def test_a_task_starts_when_all_its_parents_are_completed(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    parents = await insert(connection, count=2)
    (child,) = await insert(connection, after=parents)
    (first,) = await claim(connection, worker, 1)
    (second,) = await claim(connection, worker, 1)
    assert await claim(connection, worker) == []
    await connection.execute(COMPLETE, first["id"], 1, NOON)
    assert await claim(connection, worker) == []
    await connection.execute(COMPLETE, second["id"], 1, NOON)
    assert [c["id"] for c in await claim(connection, worker)] == [child]
    assert await connection.fetchval("select count(*) from rowbell.dependencies") == 0


async def test_a_parent_that_was_completed_before_is_met(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    parents = await insert(connection)
    await finish(connection, worker)
    (child,) = await insert(connection, after=parents)
    assert await finish(connection, worker) == [child]


async def test_the_last_parent_rings_for_its_children(
    connection: asyncpg.Connection, ear: Ear
) -> None:
    worker = await register(connection)
    parents = await insert(connection)
    await insert(connection, after=parents, queue="other")
    await claim(connection, worker, queue="other")
    (running,) = await claim(connection, worker)
    await ear.heard()
    await connection.execute(COMPLETE, running["id"], 1, NOON)
    assert await ear.heard() == [("rowbell_bell", "other")]


@pytest.mark.parametrize("seen", [True, False], ids=["seen before", "seen after"])
@pytest.mark.parametrize(
    ("choice", "expected"), [("cancel", "CANCELLED"), ("run", "PROCESSING"), ("wait", "PENDING")]
)
async def test_what_a_failed_parent_means_is_the_childs_choice(
    connection: asyncpg.Connection, choice: str, expected: str, seen: bool
) -> None:
    worker = await register(connection)
    parents = await insert(connection)
    (running,) = await claim(connection, worker)
    (child,) = await insert(connection, after=parents, after_failure=choice)
    if seen:
        await claim(connection, worker)
    await connection.execute(FAIL, running["id"], 1, NOON)
    await claim(connection, worker)
    assert await status(connection, child) == expected


async def test_a_cancelled_child_says_which_parent_failed(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    (parent,) = await insert(connection)
    (child,) = await insert(connection, after=[parent])
    (grandchild,) = await insert(connection, after=[child])
    await finish(connection, worker, FAIL)
    error = (await row(connection, child))["error"]
    assert f"task {parent}, which has to be COMPLETED first, is FAILED" in error
    assert f"task {child}, which has to be" in (await row(connection, grandchild))["error"]
    assert await connection.fetchval("select count(*) from rowbell.dependencies") == 0


async def test_a_waiting_child_runs_when_its_parent_is_retried_and_completed(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    parents = await insert(connection)
    (child,) = await insert(connection, after=parents, after_failure="wait")
    await finish(connection, worker, FAIL)
    assert await finish(connection, worker) == []
    await connection.execute("select rowbell.retry($1, $2)", parents[0], NOON)
    assert await finish(connection, worker) == parents
    assert await finish(connection, worker) == [child]


async def test_a_cancelled_child_can_be_retried_with_its_parent(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    (parent,) = await insert(connection)
    (child,) = await insert(connection, after=[parent])
    await finish(connection, worker, FAIL)
    for task in (parent, child):
        await connection.execute("select rowbell.retry($1, $2)", task, NOON)
    assert await finish(connection, worker) == [parent]
    assert await finish(connection, worker) == [child]


async def test_a_cancelled_parent_cancels_its_children(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    (parent,) = await insert(connection, run_at=later(99))
    (child,) = await insert(connection, after=[parent])
    await claim(connection, worker)
    await connection.execute("select rowbell.cancel($1)", parent)
    assert await status(connection, child) == "CANCELLED"


async def test_a_parent_that_does_not_exist_cancels_with_a_sentence(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    (child,) = await insert(connection, after=[987_654])
    await claim(connection, worker)
    assert (
        "task 987654, which has to be COMPLETED first, does not exist"
        in (await row(connection, child))["error"]
    )


async def test_a_task_after_a_batch_runs_when_every_task_of_it_is_final(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    await insert(connection, count=3, batch="import")
    (callback,) = await insert(connection, after_batch="import")
    first, second, third = await claim(connection, worker)
    await connection.execute(COMPLETE, first["id"], 1, NOON)
    await connection.execute(FAIL, second["id"], 1, NOON)
    assert await claim(connection, worker) == []
    await connection.execute(COMPLETE, third["id"], 1, NOON)
    assert [c["id"] for c in await claim(connection, worker)] == [callback]
    counts = await connection.fetchrow(
        "select * from rowbell.batch_overview where batch = 'import'"
    )
    assert (counts["tasks"], counts["completed"], counts["failed"]) == (3, 2, 1)
    assert counts["progress"] == 1


async def test_of_the_last_two_tasks_of_a_batch_that_end_at_once_one_lets_the_callback_run(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    worker = await register(connection)
    await insert(connection, count=2, batch="import")
    (callback,) = await insert(connection, after_batch="import")
    first, second = await claim(connection, worker)
    await _together(connection, other, first["id"], second["id"])
    assert [c["id"] for c in await claim(connection, worker)] == [callback]


async def test_of_the_last_two_parents_that_end_at_once_one_lets_the_child_run(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    worker = await register(connection)
    parents = await insert(connection, count=2)
    (child,) = await insert(connection, after=parents)
    await claim(connection, worker)
    await _together(connection, other, *parents)
    assert [c["id"] for c in await claim(connection, worker)] == [child]


async def _together(
    connection: asyncpg.Connection, other: asyncpg.Connection, first: int, second: int
) -> None:
    """Complete two tasks, the second while the transaction of the first is still open."""
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(COMPLETE, first, 1, NOON)
    ending = asyncio.ensure_future(other.execute(COMPLETE, second, 1, NOON))
    async with asyncio.timeout(DEADLINE_SECONDS):
        await is_waiting(connection, other)
    await transaction.commit()
    await ending


async def test_a_child_that_is_looked_at_while_its_parent_ends_is_not_forgotten(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    worker = await register(connection)
    parents = await insert(connection)
    await claim(connection, worker)
    (child,) = await insert(connection, after=parents)
    async with connection.transaction():
        await connection.execute(COMPLETE, parents[0], 1, NOON)
        assert await claim(other, worker) == []  # and waits for nothing
        next_in = await other.fetchval("select rowbell.next_run_in('default', '{aaa}')")
        assert next_in == pytest.approx(0.1)
    assert [c["id"] for c in await claim(other, worker)] == [child]


@pytest.mark.parametrize(
    ("by_hand", "expected"),
    [
        ("update rowbell.tasks set status = 'COMPLETED' where id = $1", "PROCESSING"),
        ("delete from rowbell.tasks where id = $1", "CANCELLED"),
    ],
    ids=["updated", "deleted"],
)
async def test_a_sweep_meets_children_whose_parents_were_changed_by_hand(
    connection: asyncpg.Connection, by_hand: str, expected: str
) -> None:
    worker = await register(connection)
    (parent,) = await insert(connection, run_at=later(99))
    (child,) = await insert(connection, after=[parent])
    await claim(connection, worker)
    await connection.execute(by_hand, parent)
    assert await connection.fetchval("select rowbell.meet_missed($1)", NOON) == 1
    await claim(connection, worker)
    assert await status(connection, child) == expected


@pytest.mark.parametrize(
    "by_hand",
    ["update rowbell.tasks set status = 'COMPLETED'", "delete from rowbell.tasks"],
    ids=["updated", "deleted"],
)
async def test_a_sweep_meets_a_batch_that_was_ended_by_hand(
    connection: asyncpg.Connection, by_hand: str
) -> None:
    worker = await register(connection)
    await insert(connection, count=2, batch="import", run_at=later(99))
    (callback,) = await insert(connection, after_batch="import")
    await claim(connection, worker)
    await connection.execute(f"{by_hand} where batch = 'import'")
    await connection.execute("select rowbell.meet_missed($1)", NOON)
    assert [c["id"] for c in await claim(connection, worker)] == [callback]


async def test_held_rows_cost_a_claim_nothing_once_they_were_seen(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    (parent,) = await insert(connection, run_at=later(99))
    await insert(connection, count=1_500, after=[parent])
    await claim(connection, worker)
    await claim(connection, worker)
    held = await connection.fetchval(
        "select count(*) from rowbell.tasks where status = 'PENDING' and parents = 'open'"
    )
    assert held == 1_500
    state: Any = await connection.fetchval(
        "select held from rowbell.queue_overview where queue = 'default'"
    )
    assert state == 1_500


async def test_explain_names_the_parents(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    (parent,) = await insert(connection, run_at=later(99))
    (child,) = await insert(connection, after=[parent])
    await claim(connection, worker)
    reasons = await connection.fetch("select reason from rowbell.explain($1)", child)
    assert reasons[0][0] == (
        f"It waits for task {parent} (aaa), which is PENDING:"
        f" select * from rowbell.explain({parent})"
    )
