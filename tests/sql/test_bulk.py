"""retry_where and cancel_where: many tasks by conditions."""

import asyncio
from typing import Any

import asyncpg
import pytest
from rows import NOON, Ear, claim, insert, is_waiting, later, register, row, running

FAILED = {"status": "FAILED", "finished_at": NOON}
ERROR = '{"type": "TimeoutError", "message": "late"}'


async def retry(connection: asyncpg.Connection, given: str, **more: Any) -> dict[str, Any]:
    """What the function returns, without the ids to undo it by."""
    found = dict(await connection.fetchrow(f"select * from rowbell.retry_where({given})"))
    del found["undo"]
    return found


async def cancel(connection: asyncpg.Connection, given: str) -> dict[str, Any]:
    """What the function returns, without the ids to undo it by."""
    found = dict(await connection.fetchrow(f"select * from rowbell.cancel_where({given})"))
    del found["undo"]
    return found


async def statuses(connection: asyncpg.Connection) -> dict[int, str]:
    rows = await connection.fetch("select id, status::text from rowbell.tasks")
    return {each["id"]: each["status"] for each in rows}


@pytest.mark.parametrize("function", ["retry_where", "cancel_where"])
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("", "no condition says which tasks"),
        ("statuses => '{}'", "no condition says which tasks"),
        ("everything => true, most => 10001", "most is 10001"),
        ("everything => true, most => null", "most is"),
        ("everything => true, statuses => '{COMPLETED}'", "tasks can be"),
    ],
)
async def test_a_call_that_cannot_be_meant_is_refused(
    connection: asyncpg.Connection, function: str, given: str, sentence: str
) -> None:
    with pytest.raises(asyncpg.PostgresError, match=sentence) as caught:
        await connection.execute(f"select * from rowbell.{function}({given})")
    assert (caught.value.sqlstate, bool(caught.value.hint)) == ("RB400", True)


@pytest.mark.parametrize(
    "given",
    [
        "queues => '{mail}'",
        "kinds => '{bbb}'",
        "error_types => '{TimeoutError}'",
        "ids => '{ID}'",
        "created_by => '{ann}'",
        "created_after => '2020-01-02'",
        "finished_after => '2020-01-02'",
        "queues => '{mail,other}', kinds => '{bbb}', finished_before => '2021-01-01'",
    ],
)
async def test_retry_where_sends_back_what_meets_every_condition(
    connection: asyncpg.Connection, given: str
) -> None:
    others = await insert(connection, count=3, created_at=NOON, **FAILED)
    (wanted,) = await insert(
        connection, kind="bbb", queue="mail", error=ERROR, created_by="ann", failures=5,
        status="FAILED", created_at=later(9e5), finished_at=later(9e5),
    )  # fmt: skip
    told = await retry(connection, given.replace("ID", str(wanted)))
    assert told == {
        "matched": 1, "changed": 1, "key_taken": 0, "has_more": False, "sample": [wanted]
    }  # fmt: skip
    after = await row(connection, wanted)
    assert (after["status"], after["failures"], after["finished_at"]) == ("PENDING", 0, None)
    assert {(await statuses(connection))[other] for other in others} == {"FAILED"}


@pytest.mark.parametrize(
    "given",
    [
        "queues => '{mail}'",
        "kinds => '{bbb}'",
        "error_types => '{TimeoutError}'",
        "ids => '{ID,ID,404}'",
        "created_by => '{ann}'",
        "created_before => '2020-01-02'",
    ],
)
@pytest.mark.parametrize(
    "state", [{}, {"concurrency_key": "k"}, {"after": [1]}, {"after": [1], "parents": "met"}]
)
async def test_cancel_where_cancels_what_meets_every_condition(
    connection: asyncpg.Connection, given: str, state: dict[str, Any]
) -> None:
    others = await insert(connection, count=3)
    (wanted,) = await insert(
        connection, kind="bbb", queue="mail", error=ERROR, created_by="ann", created_at=NOON,
        **state,
    )  # fmt: skip
    told = await cancel(connection, given.replace("ID", str(wanted)))
    assert told == {"matched": 1, "changed": 1, "has_more": False, "sample": [wanted]}
    now = await statuses(connection)
    assert [now.pop(wanted), *now.values()] == ["CANCELLED", *["PENDING" for _ in others]]


async def test_a_task_that_waits_for_others_is_cancelled_too_and_so_are_its_children(
    connection: asyncpg.Connection,
) -> None:
    (parent,) = await insert(connection, run_at=later(9e8))
    (child,) = await insert(connection, kind="bbb", after=[parent])
    (grandchild,) = await insert(connection, kind="ccc", after=[child])
    assert await connection.fetchval("select rowbell.see_parents('default')") is not None
    assert (await row(connection, child))["parents"] == "open"
    assert (await cancel(connection, "kinds => '{bbb}'"))["sample"] == [child]
    now = await statuses(connection)
    assert now == {parent: "PENDING", child: "CANCELLED", grandchild: "CANCELLED"}
    assert await connection.fetchval("select count(*) from rowbell.dependencies") == 0


async def test_a_retried_task_looks_at_its_parents_again(connection: asyncpg.Connection) -> None:
    failed = {**FAILED, "after": [1]}
    (open_one,) = await insert(connection, parents="open", **failed)
    (met,) = await insert(connection, parents="met", **failed)
    await retry(connection, "everything => true")
    assert (await row(connection, open_one))["parents"] is None
    assert (await row(connection, met))["parents"] == "met"


async def test_running_tasks_are_asked_to_end_once_and_their_workers_are_told(
    connection: asyncpg.Connection, database_url: str
) -> None:
    task, _, _ = await running(connection)
    ear = await Ear.open(database_url, "rowbell_cancel")
    assert (await cancel(connection, "kinds => '{aaa}'"))["changed"] == 1
    assert await ear.heard() == [("rowbell_cancel", str(task))]
    assert (await row(connection, task))["cancel_requested_at"] is not None
    assert (await cancel(connection, "kinds => '{aaa}'"))["matched"] == 0
    await ear.close()


async def test_a_status_narrows_what_is_changed(connection: asyncpg.Connection) -> None:
    task, _, _ = await running(connection)
    (waiting,) = await insert(connection)
    told = await cancel(connection, "everything => true, statuses => '{PENDING}'")
    assert told["sample"] == [waiting]
    assert (await retry(connection, "everything => true"))["matched"] == 0
    told = await retry(connection, "everything => true, statuses => '{CANCELLED}'")
    assert told["sample"] == [waiting]
    assert (await row(connection, task))["cancel_requested_at"] is None


async def test_a_dry_run_counts_and_changes_nothing(connection: asyncpg.Connection) -> None:
    failed = await insert(connection, count=3, **FAILED)
    waiting = await insert(connection, count=2)
    before = await statuses(connection)
    told = await retry(connection, "everything => true, dry_run => true")
    assert (told["matched"], told["changed"], sorted(told["sample"])) == (3, 0, failed)
    told = await cancel(connection, "everything => true, dry_run => true")
    assert (told["matched"], told["changed"], told["sample"]) == (2, 0, waiting)
    assert await statuses(connection) == before


async def test_no_more_than_asked_for_are_changed_and_the_newest_first(
    connection: asyncpg.Connection,
) -> None:
    ids = [(await insert(connection, status="FAILED", finished_at=later(n)))[0] for n in range(3)]
    told = await retry(connection, "everything => true, most => 2")
    assert (told["changed"], told["has_more"], told["sample"]) == (2, True, ids[:0:-1])
    told = await retry(connection, "everything => true, most => 2")
    assert (told["changed"], told["has_more"]) == (1, False)
    assert (await cancel(connection, "everything => true, most => 2"))["has_more"] is True


async def test_a_task_whose_key_is_taken_stays_as_it_is_and_holds_up_no_other(
    connection: asyncpg.Connection,
) -> None:
    (taken,) = await insert(connection, unique_key="taken", **FAILED)
    (older,) = await insert(connection, unique_key="free", **FAILED)
    (newer,) = await insert(connection, unique_key="free", status="FAILED", finished_at=later(9))
    (plain,) = await insert(connection, **FAILED)
    (holder,) = await insert(connection, unique_key="taken")
    told = await retry(connection, "everything => true")
    assert (told["matched"], told["changed"], told["key_taken"]) == (4, 2, 2)
    assert await statuses(connection) == {
        taken: "FAILED", older: "FAILED", newer: "PENDING", plain: "PENDING", holder: "PENDING"
    }  # fmt: skip


async def test_a_key_that_is_taken_meanwhile_is_skipped(
    connection: asyncpg.Connection, other: asyncpg.Connection, database_url: str
) -> None:
    (failed,) = await insert(connection, unique_key="k", **FAILED)
    taking = other.transaction()
    await taking.start()
    await insert(other, unique_key="k")
    retrying = asyncio.create_task(retry(connection, "everything => true"))
    observer = await asyncpg.connect(database_url)
    await is_waiting(observer, connection)
    await taking.commit()
    told = await retrying
    assert (told["matched"], told["changed"], told["key_taken"]) == (1, 0, 1)
    assert (await row(observer, failed))["status"] == "FAILED"
    await observer.close()


async def test_a_row_that_somebody_holds_is_left_alone_without_waiting(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    held, free = await insert(connection, count=2)
    async with other.transaction():
        await other.execute("select from rowbell.tasks where id = $1 for update", held)
        told = await cancel(connection, "everything => true")
    assert (told["matched"], told["changed"], told["sample"]) == (2, 1, [free])
    assert (await statuses(connection))[held] == "PENDING"


async def test_cancelling_many_and_completing_many_never_deadlock(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    worker = await register(connection)
    for _ in range(5):
        await insert(connection, count=400)
        held = await claim(connection, worker, 400)
        ids = [each["id"] for each in held][::-1]
        complete = other.fetch(
            "select rowbell.complete($1, $2, array_fill(null::text, array[400]))",
            ids,
            [each["attempt"] for each in held][::-1],
        )
        told, refused = await asyncio.gather(cancel(connection, "everything => true"), complete)
        assert told["changed"] <= 400
        assert refused == []


async def test_a_retry_of_many_rings_the_bell_of_their_queue(
    connection: asyncpg.Connection, ear: Ear
) -> None:
    await insert(connection, count=3, queue="mail", **FAILED)
    await ear.heard()
    await connection.execute("select rowbell.retry_where(queues => '{mail}')")
    assert await ear.heard() == [("rowbell_bell", "mail")]
