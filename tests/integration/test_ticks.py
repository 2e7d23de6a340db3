"""Engines tick: once, at once, and after they were away."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from rowbell.config import Settings
from rowbell.db import schedules
from rowbell.db.pool import Database
from rowbell.engine.schedules import Schedules
from rowbell.handlers import Handlers

from deadline import DEADLINE_SECONDS
from integration.conftest import StartEngine, Tasks, until_event

AWAY = "next_run_at = starts_at + interval '1 day'"


async def nightly() -> str:
    """Tidy up."""
    return "tidy"


async def add(connection: asyncpg.Connection, **columns: Any) -> None:
    columns = {"name": "tidy", "kind": "nightly", **columns}
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    await connection.execute(
        f"insert into rowbell.schedules ({', '.join(columns)}) values ({places})",
        *columns.values(),
    )


async def make_due(connection: asyncpg.Connection, change: str = "next_run_at = now()") -> None:
    """As if time had passed: what was planned is due."""
    await connection.execute(f"update rowbell.schedules set {change}")


async def until_planned(connection: asyncpg.Connection) -> Any:
    """Wait until every schedule has its next run; returns that of the first."""
    query = "select min(next_run_at) from rowbell.schedules having count(*) = count(next_run_at)"
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (planned := await connection.fetchval(query)) is None:
            await asyncio.sleep(0.01)
    return planned


async def until_ticked(connection: asyncpg.Connection) -> None:
    """Wait until nothing is due."""
    query = "select bool_and(next_run_at > now()) from rowbell.schedules"
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await connection.fetchval(query):
            await asyncio.sleep(0.01)


async def test_an_insert_in_sql_takes_effect_at_once(
    start_engine: StartEngine, connection: asyncpg.Connection, tasks: Tasks
) -> None:
    await start_engine(nightly)
    await add(connection, every=timedelta(seconds=1))
    await tasks.until("schedule = 'tidy' and status = 'COMPLETED' having count(*) >= 2")
    rows = await connection.fetch("select run_at from rowbell.tasks order by id")
    starts_at = await connection.fetchval("select starts_at from rowbell.schedules")
    assert [row[0] - starts_at for row in rows[:2]] == [timedelta(seconds=n) for n in (1, 2)]


async def test_an_update_in_sql_takes_effect_at_once(
    start_engine: StartEngine, connection: asyncpg.Connection, tasks: Tasks
) -> None:
    await start_engine(nightly)
    await add(connection, cron="0 0 1 1 *")
    await until_planned(connection)
    await connection.execute("update rowbell.schedules set cron = null, every = '1 second'")
    await tasks.until("schedule = 'tidy' and status = 'COMPLETED'")


async def test_of_many_engines_one_enqueues_each_tick(
    start_engine: StartEngine, connection: asyncpg.Connection, tasks: Tasks
) -> None:
    for _ in range(3):
        await start_engine(nightly)
    for number in range(20):
        await add(connection, name=f"tidy_{number}", cron="0 0 1 1 *")
    await until_planned(connection)
    await make_due(connection)
    await until_ticked(connection)
    counts = await connection.fetch("select count(*) from rowbell.tasks group by schedule")
    assert [row[0] for row in counts] == [1] * 20


async def test_an_engine_that_dies_between_ticks_leaves_them_to_the_other(
    start_engine: StartEngine, connection: asyncpg.Connection, tasks: Tasks
) -> None:
    first = await start_engine(nightly)
    await start_engine(nightly)
    await add(connection, cron="0 0 1 1 *")
    await until_planned(connection)
    await first.die()
    await make_due(connection)
    await tasks.until("schedule = 'tidy' and status = 'COMPLETED'")
    await until_ticked(connection)
    assert await connection.fetchval("select count(*) from rowbell.tasks") == 1


@pytest.mark.parametrize(
    ("missed", "days"), [("skip", []), ("once", [5]), ("all", [1, 2, 3, 4, 5])]
)
async def test_after_an_absence_missed_runs_are_treated_as_the_schedule_says(
    start_engine: StartEngine,
    connection: asyncpg.Connection,
    events: list[Any],
    missed: str,
    days: list[int],
) -> None:
    starts_at = datetime.now(UTC) - timedelta(days=5.5)
    await add(connection, every=timedelta(days=1), missed=missed, starts_at=starts_at)
    await make_due(connection, AWAY)
    await start_engine(nightly)
    await until_ticked(connection)
    rows = await connection.fetch("select run_at from rowbell.tasks order by id")
    assert [row[0] - starts_at for row in rows] == [timedelta(days=day) for day in days]
    await until_event(events, "schedule.missed", policy=missed, tasks=len(days))
    assert await until_planned(connection) == starts_at + timedelta(days=6)


async def test_a_run_is_skipped_while_the_one_before_it_is_open(
    start_engine: StartEngine, connection: asyncpg.Connection, tasks: Tasks, events: list[Any]
) -> None:
    gate = asyncio.Event()

    async def slow() -> None:
        await gate.wait()

    await start_engine(slow)
    await add(connection, kind="slow", cron="0 0 1 1 *", unique_key="slow")
    for _ in range(2):
        await until_planned(connection)
        await make_due(connection)
        await until_ticked(connection)
    await until_event(events, "schedule.skipped", schedule="tidy", runs=1)
    gate.set()
    await tasks.until_all_finished()
    assert await connection.fetchval("select count(*) from rowbell.tasks") == 1


async def test_what_cannot_be_read_says_so_and_holds_up_nobody(
    start_engine: StartEngine, connection: asyncpg.Connection, tasks: Tasks, events: list[Any]
) -> None:
    await add(connection, name="bad", cron="61 * * * *")
    await add(connection, name="never", cron="0 0 */20 2 1L")
    await start_engine(nightly)
    await add(connection, every=timedelta(seconds=1))
    await tasks.until("schedule = 'tidy' and status = 'COMPLETED'")
    await until_event(events, "schedule.unreadable", schedule="never")
    problems = await connection.fetch("select problem from rowbell.schedules order by name")
    assert "bad minute" in problems[0][0]
    assert "is never due" in problems[1][0]
    await connection.execute("update rowbell.schedules set cron = '1 * * * *' where name = 'bad'")
    await connection.execute("delete from rowbell.schedules where name = 'never'")
    await until_planned(connection)


async def test_a_tick_that_the_database_refuses_holds_up_no_other(
    start_engine: StartEngine, connection: asyncpg.Connection, tasks: Tasks, events: list[Any]
) -> None:
    await connection.execute(
        "create function public.no() returns trigger language plpgsql as"
        " $$ begin raise exception 'not today'; end $$;"
        "create trigger no before insert on rowbell.tasks for each row"
        " when (new.schedule = 'refused') execute function public.no()"
    )
    await start_engine(nightly)
    await add(connection, name="refused", cron="0 0 1 1 *")
    await add(connection, cron="0 0 1 1 *")
    await until_planned(connection)
    await make_due(connection)
    await tasks.until("schedule = 'tidy' and status = 'COMPLETED'")
    failed = await until_event(events, "schedule.failed", schedule="refused")
    assert "not today" in failed["reason"]
    await connection.execute("drop trigger no on rowbell.tasks")
    await make_due(connection, "next_run_at = next_run_at - interval '1 second'")
    await tasks.until("schedule = 'refused' and status = 'COMPLETED'")


async def test_the_code_of_a_worker_declares_a_schedule(
    start_engine: StartEngine, connection: asyncpg.Connection, tasks: Tasks
) -> None:
    await start_engine(nightly, every="1s")
    await tasks.until("schedule = 'nightly' and status = 'COMPLETED'")
    row = await connection.fetchrow("select * from rowbell.schedules")
    assert (row["kind"], row["source"], row["description"]) == ("nightly", "code", "Tidy up.")


async def test_a_declaration_that_the_database_refuses_stops_no_tick(
    start_engine: StartEngine, connection: asyncpg.Connection, tasks: Tasks, events: list[Any]
) -> None:
    await connection.execute(
        "alter table rowbell.schedules add constraint no check (name <> 'nightly')"
    )
    await add(connection, every=timedelta(seconds=1))
    await start_engine(nightly, every="1s")
    await until_event(events, "schedule.failed", schedule="nightly")
    await tasks.until("schedule = 'tidy' and status = 'COMPLETED'")


async def test_a_worker_says_that_a_person_keeps_what_its_code_declares(
    start_engine: StartEngine, connection: asyncpg.Connection, events: list[Any]
) -> None:
    await add(connection, name="nightly", cron="0 5 * * *")
    await start_engine(nightly, cron="0 3 * * *")
    await until_event(events, "schedule.kept", schedule="nightly")
    assert await connection.fetchval("select cron from rowbell.schedules") == "0 5 * * *"


async def test_a_schedule_whose_code_is_gone_for_a_day_is_told_and_enqueues_nothing(
    start_engine: StartEngine, connection: asyncpg.Connection, events: list[Any]
) -> None:
    first = await start_engine(nightly, cron="0 0 1 1 *")
    await until_planned(connection)
    await first.stop()
    await make_due(connection, "next_run_at = now(), declared_at = now() - interval '25 hours'")
    second = await start_engine()
    told = await until_event(events, "schedule.undeclared", schedule="nightly")
    assert "source = 'sql'" in told["remedy"]
    assert await connection.fetchval("select count(*) from rowbell.tasks") == 0
    await second.stop()
    await start_engine(nightly, cron="0 0 1 1 *")
    await until_ticked(connection)
    assert await connection.fetchval("select count(*) from rowbell.tasks") == 1


async def test_ticks_go_on_after_postgresql_was_away(
    start_engine: StartEngine, connection: asyncpg.Connection, tasks: Tasks
) -> None:
    await start_engine(nightly)
    await add(connection, every=timedelta(seconds=1))
    await tasks.until("schedule = 'tidy'")
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    latest = await connection.fetchval("select max(id) from rowbell.tasks")
    await tasks.until("id > $1 and status = 'COMPLETED'", latest)


async def test_without_bells_a_schedule_is_found_by_the_next_look(
    settings: Settings, database: Database, connection: asyncpg.Connection
) -> None:
    ticker = Schedules(database, Handlers())
    service = asyncio.create_task(ticker.run())
    await ticker.ready.wait()
    await connection.execute(
        "alter table rowbell.schedules disable trigger bell_for_new_schedules;"
    )
    await add(connection, cron="0 0 1 1 *")
    ticker.ring()  # as every reconnect and every half minute does
    assert await until_planned(connection)
    service.cancel()
    await asyncio.gather(service, return_exceptions=True)


async def test_the_database_has_the_only_clock(
    database: Database, connection: asyncpg.Connection
) -> None:
    """What is due, and since when, comes from PostgreSQL; so a client's clock may say anything."""
    await add(connection, cron="* * * * *")
    (planned,) = await schedules.due(database)
    now = await connection.fetchval("select clock_timestamp()")
    assert timedelta() <= now - planned.asked_at < timedelta(seconds=DEADLINE_SECONDS)
