"""What dispatchers and sweeps ask before they sleep: next_run_in, waiting_queues, strata."""

import asyncpg
from rows import NOON, insert, later


async def next_run_in(connection: asyncpg.Connection, *kinds: str) -> float | None:
    seconds: float | None = await connection.fetchval(
        "select rowbell.next_run_in('default', $1, $2)", list(kinds or ("aaa",)), NOON
    )
    return seconds


async def test_the_next_run_is_that_of_the_earliest_scheduled_row(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection, run_at=later(90))
    await insert(connection, run_at=later(60), priority=-1)
    await insert(connection, run_at=later(10), kind="bbb")
    assert await next_run_in(connection) == 60
    assert await next_run_in(connection, "aaa", "bbb") == 10


async def test_without_scheduled_rows_there_is_no_next_run(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection, run_at=later(10), kind="unknown")
    await insert(connection, run_at=later(10), queue="other")
    assert await next_run_in(connection) is None


async def test_a_row_that_became_due_since_the_last_claim_is_due_now(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection, run_at=later(-0.02))
    assert await next_run_in(connection) == 0


async def test_a_row_that_claims_have_passed_over_is_no_reason_to_wake(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection, run_at=later(-5))
    await insert(connection, run_at=later(5))
    assert await next_run_in(connection) == 5


async def test_a_paused_queue_has_no_next_run(connection: asyncpg.Connection) -> None:
    await insert(connection, run_at=later(5))
    await connection.execute("select rowbell.pause('default')")
    assert await next_run_in(connection) is None


async def test_waiting_queues_are_the_pairs_with_due_rows_and_since_when(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection, run_at=later(-5), priority=3)
    await insert(connection, run_at=later(-9), priority=-3)
    await insert(connection, kind="unknown", queue="other")
    await insert(connection, kind="bbb", run_at=later(5))
    await insert(connection, kind="ccc", status="PROCESSING")
    rows = await connection.fetch("select * from rowbell.waiting_queues($1) order by 1, 2", NOON)
    assert [tuple(each) for each in rows] == [
        ("default", "aaa", later(-9), False),
        ("other", "unknown", NOON, False),
    ]


async def test_strata_are_the_kinds_and_priorities_with_their_first_rows(
    connection: asyncpg.Connection,
) -> None:
    await insert(connection, count=3, run_at=later(7))
    await insert(connection, run_at=later(-7))
    await insert(connection, priority=9)
    await insert(connection, kind="bbb")
    await insert(connection, kind="unknown")
    rows = await connection.fetch(
        "select * from rowbell.strata('default', '{aaa,bbb,ccc}') order by 1, 2"
    )
    assert [tuple(each) for each in rows] == [
        ("aaa", 0, False, later(-7)),
        ("aaa", 9, False, NOON),
        ("bbb", 0, False, NOON),
    ]
