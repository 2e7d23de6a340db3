"""rowbell.schedules: what it refuses, and what a change of a row does to its next run."""

import re
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from rows import NOON, Ear, later

HOUR = timedelta(hours=1)


async def add(connection: asyncpg.Connection, name: str = "nightly", **columns: Any) -> None:
    """Insert a schedule (kind aaa, every hour, planned for NOON unless given)."""
    columns = {"kind": "aaa", "next_run_at": NOON, "starts_at": NOON, **columns}
    if "cron" not in columns:
        columns.setdefault("every", HOUR)
    places = ", ".join(f"${number}" for number in range(2, len(columns) + 2))
    await connection.execute(
        f"insert into rowbell.schedules (name, {', '.join(columns)}) values ($1, {places})",
        name,
        *columns.values(),
    )


async def schedule(connection: asyncpg.Connection, name: str = "nightly") -> asyncpg.Record:
    row = await connection.fetchrow("select * from rowbell.schedules where name = $1", name)
    assert row is not None
    return row


@pytest.mark.parametrize(
    ("columns", "sentence", "hint"),
    [
        ({"name": "Every Night"}, "a schedule cannot be named 'Every Night'", "report_nightly"),
        ({"every": None}, "a schedule has either cron or every", "leave the other null"),
        ({"cron": "* * * * *", "every": HOUR}, "has either cron or every", "30 2 \\* \\* \\*"),
        ({"cron": "@daily"}, "cron '@daily' has not five fields", "30 2 \\* \\* MON-FRI"),
        ({"cron": "* * * * * *"}, "has not five fields", "minute, hour, day, month and weekday"),
        ({"every": timedelta(milliseconds=999)}, "is out of reach", "from 1 second to 366 days"),
        ({"every": timedelta(days=367)}, "is out of reach", "from 1 second to 366 days"),
        ({"missed": "some"}, "missed 'some' makes no sense", "skip .* once .* all"),
        ({"time_zone": "europe/berlin"}, "time_zone 'europe/berlin' is not known", "Europe/Berlin"),
        ({"time_zone": "CEST-2"}, "is not known", "pg_timezone_names"),
        ({"source": "file"}, "source 'file' makes no sense", "sql .* code"),
        (
            {"starts_at": datetime(9999, 1, 1, tzinfo=NOON.tzinfo)},
            "is out of reach",
            "between the years 2000 and 2200",
        ),
        ({"kind": "Send-Email"}, "is not a name", "module_action"),
        ({"queue": "A"}, "is not a name", "reports_nightly"),
        ({"payload": f'"{"x" * 70_000}"'}, "the limit is 65536", "keys and ids"),
        ({"priority": 101}, "is out of reach", "-100 to 100"),
        ({"max_attempts": 0}, "makes no sense", "1 to 1000"),
        ({"timeout": timedelta(days=8)}, "makes no sense", "up to 7 days"),
        ({"unique_key": ""}, "has 1 to 200 characters", "Shorten it"),
        ({"concurrency_key": "x" * 201}, "has 1 to 200 characters", "Shorten it"),
        ({"description": "x" * 1001}, "1001 characters", "at most 1000"),
        ({"audience": ["x"] * 101}, "no list of at most 100 names", "none of them null"),
    ],
)
async def test_a_row_that_cannot_work_is_refused_with_the_remedy(
    connection: asyncpg.Connection, columns: dict[str, Any], sentence: str, hint: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match=sentence) as caught:
        await add(connection, **columns)
    assert caught.value.table_name == "schedules"
    assert caught.value.column_name in {*columns, "cron", "unique_key"}
    assert re.search(hint, caught.value.hint)


async def test_months_are_left_to_cron(connection: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="every 1 mon is out of reach") as caught:
        await connection.execute(
            "insert into rowbell.schedules (name, kind, every) values ('a', 'aaa', '1 month')"
        )
    assert "0 6 1 * *" in caught.value.hint


@pytest.mark.parametrize(
    "change",
    [
        "every = '2 hours'",
        "every = null, cron = '0 * * * *'",
        "time_zone = 'Europe/Berlin'",
        "starts_at = starts_at + interval '1 second'",
    ],
)
async def test_a_change_of_its_times_voids_the_plan_and_rings(
    connection: asyncpg.Connection, database_url: str, change: str
) -> None:
    await add(connection)
    await connection.execute("update rowbell.schedules set problem = 'x'")
    before = await schedule(connection)
    ear = await Ear.open(database_url, "rowbell_schedules")
    await connection.execute(f"update rowbell.schedules set {change}")
    after = await schedule(connection)
    assert (after["next_run_at"], after["problem"]) == (None, None)
    assert after["changed_at"] > before["changed_at"]
    assert await ear.heard() == [("rowbell_schedules", "")]
    await ear.close()


async def test_other_changes_leave_the_plan_and_ring_nothing(
    connection: asyncpg.Connection, database_url: str
) -> None:
    await add(connection)
    ear = await Ear.open(database_url, "rowbell_schedules")
    await connection.execute("update rowbell.schedules set payload = '{\"a\": 1}', missed = 'all'")
    await connection.execute("update rowbell.schedules set next_run_at = $1", later(60))
    assert (await schedule(connection))["next_run_at"] == later(60)
    assert await ear.heard() == []
    await connection.execute("update rowbell.schedules set next_run_at = $1", later(30))
    await add(connection, "weekly")
    assert await ear.heard() == [("rowbell_schedules", "")] * 2
    await ear.close()


async def test_a_pause_voids_the_plan_and_remembers_who(connection: asyncpg.Connection) -> None:
    await add(connection)
    await connection.execute("select rowbell.pause_schedule('nightly', $1)", NOON)
    paused = await schedule(connection)
    assert (paused["paused_at"], paused["paused_by"]) == (NOON, "postgres")
    assert paused["next_run_at"] is None
    assert await connection.fetch("select * from rowbell.due_schedules($1)", later(9e6)) == []
    again = await connection.fetchrow(
        "select * from rowbell.pause_schedule('nightly', $1)", later(5)
    )
    assert again["paused_at"] == NOON
    resumed = await connection.fetchrow("select * from rowbell.resume_schedule('nightly')")
    assert (resumed["paused_at"], resumed["paused_by"]) == (None, None)
    assert len(await connection.fetch("select * from rowbell.due_schedules($1)", NOON)) == 1


async def test_run_now_enqueues_one_and_leaves_the_next_run(
    connection: asyncpg.Connection,
) -> None:
    await add(connection, unique_key="k", payload='{"a": 1}', queue="reports")
    task = await connection.fetchrow(
        "select * from rowbell.run_schedule_now('nightly', $1)", later(5)
    )
    wanted = ("aaa", '{"a": 1}', "reports", later(5), "nightly", "schedule nightly")
    names = ("kind", "payload", "queue", "run_at", "schedule", "created_by")
    assert tuple(task[name] for name in names) == wanted
    row = await schedule(connection)
    assert (row["next_run_at"], row["last_run_at"], row["last_task"]) == (
        NOON,
        later(5),
        task["id"],
    )
    with pytest.raises(asyncpg.PostgresError, match="open task has the unique_key") as caught:
        await connection.execute("select rowbell.run_schedule_now('nightly')")
    assert caught.value.sqlstate == "RB409"


async def test_drop_deletes_the_schedule_and_keeps_its_tasks(
    connection: asyncpg.Connection,
) -> None:
    await add(connection)
    await connection.execute("select rowbell.run_schedule_now('nightly')")
    await connection.execute("select rowbell.drop_schedule('nightly')")
    assert await connection.fetchval("select count(*) from rowbell.schedules") == 0
    assert await connection.fetchval("select schedule from rowbell.tasks") == "nightly"


@pytest.mark.parametrize("function", ["pause", "resume", "drop", "run"])
async def test_a_schedule_that_does_not_exist_is_named(
    connection: asyncpg.Connection, function: str
) -> None:
    now = "_now" if function == "run" else ""
    with pytest.raises(asyncpg.PostgresError, match="there is no schedule weekly") as caught:
        await connection.execute(f"select rowbell.{function}_schedule{now}('weekly')")
    assert caught.value.sqlstate == "RB404"


@pytest.mark.parametrize(
    ("columns", "state"),
    [
        ({"next_run_at": None}, "new"),
        ({}, "overdue"),
        ({"next_run_at": datetime(2100, 1, 1, tzinfo=NOON.tzinfo)}, "active"),
        ({"paused_at": NOON}, "paused"),
        ({"problem": "bad minute"}, "unreadable"),
        ({"source": "code", "declared_at": NOON}, "undeclared"),
    ],
)
async def test_the_overview_has_a_word_for_its_state(
    connection: asyncpg.Connection, columns: dict[str, Any], state: str
) -> None:
    await add(connection, **columns)
    assert await connection.fetchval("select state from rowbell.schedule_overview") == state


async def test_the_overview_shows_the_next_run_by_its_clocks_and_how_the_last_one_ended(
    connection: asyncpg.Connection,
) -> None:
    await add(connection, time_zone="Europe/Berlin")
    task = await connection.fetchval("select id from rowbell.run_schedule_now('nightly')")
    await connection.execute(
        "update rowbell.tasks set status = 'FAILED', started_at = $1, finished_at = $2,"
        ' error = \'{"message": "no disk"}\'',
        NOON,
        later(7),
    )
    line = await connection.fetchrow("select * from rowbell.schedule_overview")
    assert line["next_run_local"] == NOON.replace(hour=13, tzinfo=None)
    assert (line["last_task"], line["last_status"]) == (task, "FAILED")
    assert (line["last_ran"], line["last_error"]) == (timedelta(seconds=7), "no disk")
