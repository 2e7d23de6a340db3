"""Ticks and declarations: one process wins, a crash loses nothing, people keep their rows."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest
from rows import NOON, is_waiting, later
from test_schedule_rows import add, schedule

HOUR = 3_600


async def tick(
    connection: asyncpg.Connection,
    *runs: datetime,
    at: datetime = NOON,
    changed: datetime | None = None,
) -> list[int] | None:
    changed = changed or (await schedule(connection))["changed_at"]
    tasks: list[int] | None = await connection.fetchval(
        "select rowbell.tick_schedule('nightly', $1, $2, $3, $4)",
        changed,
        at,
        list(runs or (at,)),
        at + timedelta(hours=1),
    )
    return tasks


async def declare(
    connection: asyncpg.Connection, *, at: datetime = NOON, **changes: Any
) -> list[str]:
    code = {"name": "nightly", "description": "Tidy up.", "cron": "0 3 * * *", "every": None}
    declared = [{**code, "time_zone": "UTC", "missed": "once", **changes}]
    rows = await connection.fetch(
        "select rowbell.declare_schedules($1::text::jsonb, $2)",
        orjson.dumps(declared).decode(),
        at,
    )
    return [row[0] for row in rows]


async def test_a_tick_enqueues_a_task_as_the_schedule_says_and_moves_on(
    connection: asyncpg.Connection,
) -> None:
    columns = {
        "payload": '{"a": 1}',
        "queue": "reports",
        "priority": 7,
        "description": "x",
        "max_attempts": 3,
        "timeout": timedelta(seconds=9),
        "unique_key": "k",
        "concurrency_key": "c",
        "audience": ["ann"],
    }
    await add(connection, **columns)
    (task,) = await tick(connection) or []
    row = await connection.fetchrow("select * from rowbell.tasks where id = $1", task)
    assert {name: row[name] for name in columns} == columns
    assert (row["kind"], row["run_at"], row["schedule"]) == ("aaa", NOON, "nightly")
    assert row["created_by"] == "schedule nightly"
    after = await schedule(connection)
    assert after["next_run_at"] == later(HOUR)
    assert (after["last_run_at"], after["last_task"]) == (NOON, task)


async def test_of_two_sessions_at_one_tick_one_enqueues(
    connection: asyncpg.Connection, other: asyncpg.Connection, database_url: str
) -> None:
    await add(connection)
    changed = (await schedule(connection))["changed_at"]
    observer = await asyncpg.connect(database_url)
    async with connection.transaction():
        assert await tick(connection, changed=changed)
        second = asyncio.create_task(tick(other, changed=changed))
        await is_waiting(observer, other)
    assert await second is None
    assert await connection.fetchval("select count(*) from rowbell.tasks") == 1
    await observer.close()


async def test_a_tick_whose_transaction_is_lost_is_left_to_the_other_session(
    connection: asyncpg.Connection, other: asyncpg.Connection, database_url: str
) -> None:
    await add(connection)
    changed = (await schedule(connection))["changed_at"]
    observer = await asyncpg.connect(database_url)
    first = connection.transaction()
    await first.start()
    assert await tick(connection, changed=changed)
    second = asyncio.create_task(tick(other, changed=changed))
    await is_waiting(observer, other)
    await observer.execute("select pg_terminate_backend($1)", connection.get_server_pid())
    assert len(await second or []) == 1
    assert await observer.fetchval("select count(*) from rowbell.tasks") == 1
    await observer.close()


async def test_a_tick_of_another_instant_or_of_an_older_version_does_nothing(
    connection: asyncpg.Connection,
) -> None:
    await add(connection)
    assert await tick(connection, at=later(1)) is None
    assert await tick(connection, changed=NOON) is None
    await connection.execute("select rowbell.pause_schedule('nightly')")
    await connection.execute("update rowbell.schedules set next_run_at = $1", NOON)
    assert await tick(connection) is None


async def test_a_tick_may_enqueue_many_and_rings_once(connection: asyncpg.Connection) -> None:
    await add(connection)
    runs = [later(-HOUR * n) for n in range(1_000)]
    tasks = await tick(connection, *runs)
    assert len(tasks or []) == 1_000
    after = await schedule(connection)
    assert after["last_run_at"] == NOON
    latest = await connection.fetchval("select id from rowbell.tasks where run_at = $1", NOON)
    assert after["last_task"] == latest


async def test_a_skipped_run_moves_on_without_a_task(connection: asyncpg.Connection) -> None:
    await add(connection)
    changed = (await schedule(connection))["changed_at"]
    tasks = await connection.fetchval(
        "select rowbell.tick_schedule('nightly', $1, $2, '{}', $3)", changed, NOON, later(HOUR)
    )
    assert tasks == []
    assert (await schedule(connection))["next_run_at"] == later(HOUR)


async def test_a_run_is_left_out_while_its_unique_key_is_taken(
    connection: asyncpg.Connection,
) -> None:
    await add(connection, unique_key="k")
    (task,) = await tick(connection) or []
    assert await tick(connection, at=later(HOUR)) == []
    assert (await schedule(connection))["last_task"] == task
    await connection.execute("select rowbell.cancel($1)", task)
    assert len(await tick(connection, at=later(2 * HOUR)) or []) == 1


async def test_a_plan_holds_only_for_the_version_that_was_read(
    connection: asyncpg.Connection,
) -> None:
    await add(connection, next_run_at=None)
    plan = "select rowbell.plan_schedule('nightly', $1, $2)"
    assert not await connection.fetchval(plan, NOON, NOON)
    changed = (await schedule(connection))["changed_at"]
    assert await connection.fetchval(plan, changed, NOON)
    assert not await connection.fetchval(plan, changed, later(1))
    assert (await schedule(connection))["next_run_at"] == NOON


async def test_due_are_those_of_the_past_the_unplanned_and_one_that_lies_ahead(
    connection: asyncpg.Connection,
) -> None:
    for name, columns in {
        "past": {},
        "unplanned": {"next_run_at": None},
        "ahead": {"next_run_at": later(5)},
        "far": {"next_run_at": later(6)},
        "paused": {"paused_at": NOON},
        "bad": {"problem": "x"},
        "declared": {"source": "code", "declared_at": later(-86_399)},
        "undeclared": {"source": "code", "declared_at": later(-86_400)},
    }.items():
        await add(connection, name, **columns)
    rows = await connection.fetch("select name from rowbell.due_schedules($1)", NOON)
    assert sorted(row[0] for row in rows) == ["ahead", "declared", "past", "unplanned"]


async def test_the_code_makes_its_schedule_and_brings_it_up_to_date(
    connection: asyncpg.Connection,
) -> None:
    assert await declare(connection) == []
    made = await schedule(connection)
    names = ("kind", "description", "cron", "source", "declared_at", "starts_at")
    assert tuple(made[name] for name in names) == (
        "nightly", "Tidy up.", "0 3 * * *", "code", NOON, NOON,
    )  # fmt: skip
    await connection.execute("select rowbell.pause_schedule('nightly')")
    assert await declare(connection, at=later(9), cron=None, every=60) == []
    after = await schedule(connection)
    assert (after["cron"], after["every"]) == (None, timedelta(minutes=1))
    assert (after["source"], after["declared_at"]) == ("code", later(9))
    assert after["paused_at"] is not None


async def test_unchanged_code_leaves_the_plan_so_that_missed_runs_are_made_up_for(
    connection: asyncpg.Connection,
) -> None:
    await declare(connection)
    await connection.execute("update rowbell.schedules set next_run_at = $1", NOON)
    await declare(connection, at=later(86_400))
    assert (await schedule(connection))["next_run_at"] == NOON


@pytest.mark.parametrize("change", ["cron = '5 5 * * *'", "payload = '{\"a\": 1}'", "priority = 3"])
async def test_a_row_that_a_person_changed_is_kept_from_the_code_until_it_is_given_back(
    connection: asyncpg.Connection, change: str
) -> None:
    await declare(connection)
    await connection.execute(f"update rowbell.schedules set {change}")
    assert (await schedule(connection))["source"] == "sql"
    assert await declare(connection, cron="0 4 * * *") == ["nightly"]
    assert (await schedule(connection))["cron"] != "0 4 * * *"
    await connection.execute("update rowbell.schedules set source = 'code'")
    assert await declare(connection, cron="0 4 * * *") == []
    after = await schedule(connection)
    assert (after["cron"], after["source"]) == ("0 4 * * *", "code")


async def test_a_pause_or_a_tick_is_no_change_by_a_person(connection: asyncpg.Connection) -> None:
    await declare(connection)
    for statement in (
        "select rowbell.pause_schedule('nightly')",
        "select rowbell.resume_schedule('nightly')",
        "update rowbell.schedules set next_run_at = now()",
    ):
        await connection.execute(statement)
    assert (await schedule(connection))["source"] == "code"


async def test_a_schedule_of_sql_is_not_taken_over_by_the_code(
    connection: asyncpg.Connection,
) -> None:
    await add(connection)
    assert await declare(connection) == ["nightly"]
    assert (await schedule(connection))["every"] == timedelta(hours=1)


async def test_two_workers_declare_at_once(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    await asyncio.gather(declare(connection), declare(other))
    assert await connection.fetchval("select count(*) from rowbell.schedules") == 1


async def test_a_declaration_is_kept_alive_by_workers_that_have_it(
    connection: asyncpg.Connection,
) -> None:
    await declare(connection)
    keep = "select rowbell.keep_declared('{nightly}', $1)"
    await connection.execute(keep, later(60))
    assert (await schedule(connection))["declared_at"] == NOON
    await connection.execute(keep, later(600))
    assert (await schedule(connection))["declared_at"] == later(600)
