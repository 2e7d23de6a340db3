"""Which rows a claim hands out, in which order, and to whom."""

from typing import Any

import asyncpg
import pytest
from rows import NOON, claim, insert, later, register, row

BOTH = ("aaa", "bbb")


async def test_higher_priority_is_claimed_first(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    await insert(connection, count=3)
    (high,) = await insert(connection, priority=5, run_at=later(-1))
    (highest,) = await insert(connection, priority=6)
    assert [r["id"] for r in await claim(connection, worker, 1)] == [highest]
    assert [r["id"] for r in await claim(connection, worker, 1)] == [high]


async def test_within_a_priority_the_oldest_is_claimed_first(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    (young,) = await insert(connection, run_at=later(-1))
    (old,) = await insert(connection, run_at=later(-2))
    assert [r["id"] for r in await claim(connection, worker, 1)] == [old]
    assert [r["id"] for r in await claim(connection, worker, 1)] == [young]


async def test_kinds_share_the_slots_evenly(connection: asyncpg.Connection) -> None:
    worker = await register(connection, *BOTH)
    await insert(connection, count=100, run_at=later(-9))
    await insert(connection, count=100, kind="bbb")
    kinds = [r["kind"] for r in await claim(connection, worker, 10, kinds=BOTH)]
    assert (kinds.count("aaa"), kinds.count("bbb")) == (5, 5)


@pytest.mark.parametrize("older", ["aaa", "bbb"])
async def test_what_one_kind_leaves_over_goes_to_the_others(
    connection: asyncpg.Connection, older: str
) -> None:
    worker = await register(connection, *BOTH)
    await insert(connection, count=100, run_at=later(-9 if older == "aaa" else 0))
    await insert(connection, count=1, kind="bbb", run_at=later(-5))
    claims = await claim(connection, worker, 10, kinds=BOTH)
    assert len({r["id"] for r in claims}) == len(claims) == 10  # fewer would say: no more is due


async def test_what_is_left_over_of_a_priority_is_filled_before_the_next_priority(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection, *BOTH)
    await insert(connection, count=8, priority=1, run_at=later(-9))
    await insert(connection, count=1, priority=1, kind="bbb")
    await insert(connection, count=50, kind="bbb", run_at=later(-99))
    claims = await claim(connection, worker, 10, kinds=BOTH)
    assert [r["kind"] for r in claims].count("aaa") == 8
    assert len(claims) == 10


async def test_what_comes_before_the_place_of_the_last_claim_is_claimed_too(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    inserted = await insert(connection, count=70)
    claimed = [r["id"] for r in await claim(connection, worker, 20)]
    inserted += await insert(connection, count=5, run_at=later(-9))
    inserted += await insert(connection, count=5, priority=9)
    while claims := await claim(connection, worker, 20):
        claimed += [r["id"] for r in claims]
    assert sorted(claimed) == sorted(inserted)


async def test_the_place_of_the_last_claim_holds_up_no_limit(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    await insert(connection, count=70)
    assert len(await claim(connection, worker, 20)) == 20
    await connection.execute("update rowbell.kinds set max_running = 25 where name = 'aaa'")
    assert len(await claim(connection, worker, 20)) == 5


async def test_the_place_of_the_last_claim_is_of_one_queue_and_one_of_the_kinds(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection, *BOTH)
    await insert(connection, count=70)
    assert len(await claim(connection, worker, 20)) == 20
    assert await claim(connection, worker, 20, queue="another") == []
    assert await claim(connection, worker, 20, kinds=("bbb",)) == []


async def test_a_row_of_the_future_is_claimed_when_it_is_due(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    (task,) = await insert(connection, run_at=later(60))
    assert await claim(connection, worker, at=later(59)) == []
    assert [r["id"] for r in await claim(connection, worker, at=later(60))] == [task]


async def test_an_unknown_kind_is_never_claimed_and_holds_nobody_up(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    await insert(connection, count=50, kind="unknown", priority=100, run_at=later(-99))
    known = await insert(connection, count=2)
    assert sorted(r["id"] for r in await claim(connection, worker)) == known


async def test_a_paused_queue_hands_out_nothing_until_it_is_resumed(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    await insert(connection)
    await connection.execute("select rowbell.pause('default')")
    assert await claim(connection, worker) == []
    await connection.execute("select rowbell.resume('default')")
    assert len(await claim(connection, worker)) == 1


async def test_another_queue_is_not_touched(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    await insert(connection, queue="other")
    assert await claim(connection, worker) == []
    assert len(await claim(connection, worker, queue="other")) == 1


@pytest.mark.parametrize("slots", [0, 1, 7, 30])
async def test_a_claim_takes_exactly_as_many_as_there_are_slots(
    connection: asyncpg.Connection, slots: int
) -> None:
    worker = await register(connection, "aaa", "bbb", "ccc")
    for kind in ("aaa", "bbb", "ccc"):
        for priority in (0, 1):
            await insert(connection, count=10, kind=kind, priority=priority)
    claims = await claim(connection, worker, slots, kinds=("aaa", "bbb", "ccc"))
    assert len(claims) == slots


async def test_a_claim_marks_the_row(connection: asyncpg.Connection) -> None:
    worker = await register(connection)
    (task,) = await insert(connection, payload='{"a": 1}')
    (claimed,) = await claim(connection, worker)
    assert tuple(claimed) == (task, 1, "aaa", 0, None, '{"a": 1}', 0.0, None, None, True)
    after = await row(connection, task)
    assert (after["status"], after["worker"], after["started_at"]) == ("PROCESSING", worker, NOON)


async def test_a_claim_tells_how_long_its_task_waited_and_where_it_comes_from(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await insert(connection, traceparent=trace)
    (claimed,) = await claim(connection, worker, at=later(7))
    assert (claimed["wait_seconds"], claimed["traceparent"]) == (7.0, trace)


OTHERS: dict[str, dict[str, Any]] = {
    "due": {},
    "scheduled": {"run_at": later(9)},
    "of a kind that nobody knows": {"kind": "unknown"},
    "with a key": {"concurrency_key": "k"},
    "with a parent": {"after": [1_000_000]},
}


@pytest.mark.parametrize("columns", OTHERS.values(), ids=OTHERS)
async def test_a_claim_tells_that_another_task_waits_in_its_queue(
    connection: asyncpg.Connection, columns: dict[str, Any]
) -> None:
    worker = await register(connection)
    await insert(connection, run_at=later(-1))
    await insert(connection, **columns)
    (claimed,) = await claim(connection, worker, 1)
    assert not claimed["is_last"]


async def test_a_claim_tells_that_no_other_task_waits_in_its_queue(
    connection: asyncpg.Connection,
) -> None:
    worker = await register(connection)
    await insert(connection)
    await insert(connection, queue="another")
    (claimed,) = await claim(connection, worker)
    assert claimed["is_last"]


@pytest.mark.parametrize(("before", "is_looked_for"), [(2, True), (10, True), (11, False)])
async def test_a_row_alone_is_looked_for_unless_many_came_before_it(
    connection: asyncpg.Connection, before: int, is_looked_for: bool
) -> None:
    worker = await register(connection)
    await insert(connection, count=before)
    await claim(connection, worker, before)
    await insert(connection)
    (claimed,) = await claim(connection, worker)
    assert claimed["is_last"] == is_looked_for
    await insert(connection)
    (claimed,) = await claim(connection, worker)
    assert claimed["is_last"]


async def test_a_row_that_another_session_holds_is_skipped_without_waiting(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    worker = await register(connection)
    held, free = await insert(connection, count=2)
    async with other.transaction():
        await other.execute("select from rowbell.tasks where id = $1 for update", held)
        assert [r["id"] for r in await claim(connection, worker)] == [free]


@pytest.mark.parametrize("ending", ["lost_at", "stopped_at"])
async def test_a_worker_that_has_ended_claims_nothing(
    connection: asyncpg.Connection, ending: str
) -> None:
    worker = await register(connection)
    await insert(connection)
    await connection.execute(f"update rowbell.workers set {ending} = now()")
    with pytest.raises(asyncpg.PostgresError, match="is not registered any more") as caught:
        await claim(connection, worker)
    assert caught.value.sqlstate == "RB410"
    assert "register again" in caught.value.hint
