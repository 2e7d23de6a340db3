"""What a producer may ask for when its unique_key is taken; many inserts at once."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from rows import Ear, insert, row, running

from rowbell.db import inserts
from rowbell.db.pool import Database
from rowbell.errors import InvalidArgument, UniqueKeyConflict
from rowbell.task import AfterFailure, Conflict, NewTask, OnConflict, Status

SOON = datetime(2100, 1, 1, tzinfo=UTC)
LATER = datetime(2110, 1, 1, tzinfo=UTC)


def keyed(policy: OnConflict, **given: object) -> NewTask:
    return NewTask(unique_key="k", on_conflict=policy, **given)  # type: ignore[arg-type]


async def test_reject_refuses_and_says_so(database: Database) -> None:
    await inserts.create(database, keyed(OnConflict.REJECT))
    with pytest.raises(UniqueKeyConflict):
        await inserts.create(database, keyed(OnConflict.REJECT))


@pytest.mark.parametrize("policy", list(OnConflict))
async def test_without_an_open_task_every_policy_inserts(
    database: Database, connection: asyncpg.Connection, policy: OnConflict
) -> None:
    await insert(connection, unique_key="k", status="COMPLETED")
    task = await inserts.create(database, keyed(policy, payload={"a": 1}))
    assert (task.conflict, task.payload, task.status) == (None, {"a": 1}, Status.PENDING)


async def test_keep_returns_the_open_task_unchanged(
    database: Database, connection: asyncpg.Connection
) -> None:
    first = await inserts.create(database, keyed(OnConflict.KEEP, payload={"a": 1}))
    second = await inserts.create(database, keyed(OnConflict.KEEP, payload={"a": 2}, priority=9))
    assert (second.id, second.conflict, second.payload) == (first.id, Conflict.KEPT, {"a": 1})
    assert (await row(connection, first.id))["priority"] == 0


async def test_replace_gives_a_waiting_task_what_is_given_and_leaves_the_rest(
    database: Database,
) -> None:
    first = await inserts.create(
        database, keyed(OnConflict.REPLACE, payload={"a": 1}, priority=5, run_at=LATER)
    )
    second = await inserts.create(
        database, keyed(OnConflict.REPLACE, payload={"a": 2}, description="new"), subject="ann"
    )
    assert (second.id, second.conflict) == (first.id, Conflict.REPLACED)
    assert (second.payload, second.description) == ({"a": 2}, "new")
    assert (second.priority, second.run_at, second.created_by) == (5, LATER, first.created_by)


async def test_reschedule_changes_the_time_alone(database: Database) -> None:
    first = await inserts.create(
        database, keyed(OnConflict.RESCHEDULE, payload={"a": 1}, run_at=SOON)
    )
    second = await inserts.create(
        database, keyed(OnConflict.RESCHEDULE, payload={"a": 2}, run_at=LATER)
    )
    assert (second.id, second.conflict) == (first.id, Conflict.RESCHEDULED)
    assert (second.payload, second.run_at) == ({"a": 1}, LATER)
    now = await inserts.create(database, keyed(OnConflict.RESCHEDULE))
    assert now.run_at < SOON


@pytest.mark.parametrize("policy", [OnConflict.KEEP, OnConflict.REPLACE, OnConflict.RESCHEDULE])
async def test_a_running_task_is_kept_by_every_policy(
    database: Database, connection: asyncpg.Connection, policy: OnConflict
) -> None:
    task, _, _ = await running(connection, unique_key="k")
    kept = await inserts.create(database, keyed(policy, payload={"a": 2}, run_at=LATER))
    assert (kept.id, kept.conflict, kept.status) == (task, Conflict.KEPT, Status.PROCESSING)
    assert (kept.payload, kept.run_at) == ({}, (await row(connection, task))["run_at"])


@pytest.mark.parametrize("policy", [OnConflict.REPLACE, OnConflict.RESCHEDULE])
async def test_an_earlier_time_rings_the_bell(
    database: Database, ear: Ear, policy: OnConflict
) -> None:
    await inserts.create(database, keyed(policy, run_at=LATER, queue="mail"))
    assert await ear.heard() == []
    await inserts.create(database, keyed(policy, run_in=timedelta(0)))
    assert await ear.heard() == [("rowbell_bell", "mail")]


@pytest.mark.parametrize("policy", list(OnConflict))
async def test_twenty_at_once_over_several_connections_make_one_task(
    database: Database, connection: asyncpg.Connection, policy: OnConflict
) -> None:
    answers = await asyncio.gather(
        *(inserts.create(database, keyed(policy, run_at=SOON)) for _ in range(20)),
        return_exceptions=True,
    )
    assert await connection.fetchval("select count(*) from rowbell.tasks") == 1
    refused = [each for each in answers if isinstance(each, UniqueKeyConflict)]
    told = [each for each in answers if not isinstance(each, BaseException)]
    assert len(refused) == (19 if policy is OnConflict.REJECT else 0)
    assert len(told) == 20 - len(refused)
    assert len({task.id for task in told}) == 1
    assert [task.conflict for task in told].count(None) == 1


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewTask(on_conflict=OnConflict.KEEP), "on_conflict"),
        (keyed(OnConflict.REPLACE, after=[1]), "after"),
        (keyed(OnConflict.REPLACE, batch="b"), "batch"),
    ],
)
async def test_a_policy_that_cannot_be_meant_is_refused(
    database: Database, new: NewTask, field: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await inserts.create(database, new)
    assert (caught.value.field, bool(caught.value.hint)) == (field, True)


async def test_the_columns_of_the_engine_are_carried(database: Database) -> None:
    task = await inserts.create(
        database,
        NewTask(
            concurrency_key="customer 7",
            after=[1, 2],
            after_failure=AfterFailure.WAIT,
            after_batch="one",
            batch="two",
        ),
    )
    assert (task.concurrency_key, task.after, task.after_failure) == ("customer 7", [1, 2], "wait")
    assert (task.after_batch, task.batch) == ("one", "two")


async def test_many_are_inserted_together_and_returned_in_their_order(
    database: Database, ear: Ear
) -> None:
    news = [
        NewTask(payload={"n": n}, unique_key=f"k{n % 7}" if n % 2 else None, priority=n % 3 or None)
        for n in range(14)
    ]
    news[5] = NewTask(payload={"n": 5}, unique_key="k1", on_conflict=OnConflict.KEEP)
    made = await inserts.create_all(database, news, subject="ann")
    assert [task.payload["n"] for task in made if task.conflict is None] == [
        n for n in range(14) if n != 5
    ]
    assert (made[5].id, made[5].conflict) == (made[1].id, Conflict.KEPT)
    assert {task.created_by for task in made} == {"ann"}
    assert await ear.heard() == [("rowbell_bell", "default")]


@pytest.mark.parametrize(
    "bad",
    [NewTask(kind="No"), NewTask(unique_key="taken"), NewTask(payload=float("nan"), kind="No")],
)
async def test_one_that_is_refused_refuses_all(
    database: Database, connection: asyncpg.Connection, bad: NewTask
) -> None:
    await insert(connection, unique_key="taken")
    with pytest.raises((InvalidArgument, UniqueKeyConflict)):
        await inserts.create_all(database, [NewTask(), bad, NewTask()])
    assert await connection.fetchval("select count(*) from rowbell.tasks") == 1


@pytest.mark.parametrize("number", [0, 1_001])
async def test_none_and_too_many_are_refused(database: Database, number: int) -> None:
    with pytest.raises(InvalidArgument, match=f"{number} tasks cannot"):
        await inserts.create_all(database, [NewTask()] * number)


async def test_batches_with_the_same_keys_in_other_orders_never_deadlock(
    database: Database,
) -> None:
    news = [
        NewTask(unique_key=f"k{n}", on_conflict=OnConflict.REPLACE, priority=n % 100)
        for n in range(60)
    ]
    made = await asyncio.gather(
        *(inserts.create_all(database, news[::step]) for step in (1, -1, 1, -1))
    )
    assert len({task.id for tasks in made for task in tasks}) == 60


async def test_a_thousand_with_all_columns_fit_into_one_call(database: Database) -> None:
    new = NewTask(
        payload={"a": 1}, description="d", queue="mail", priority=1, run_at=SOON, max_attempts=2,
        timeout=timedelta(seconds=1), audience=["ann"], concurrency_key="c", after=[1],
        after_failure=AfterFailure.RUN, after_batch="x", batch="b",
    )  # fmt: skip
    assert len(await inserts.create_all(database, [new] * 1_000)) == 1_000
