"""The clocks change, or nothing ran for long: a schedule runs neither twice nor too often."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import islice

import asyncpg
import pytest

from rowbell.schedule import Schedule

from deadline import DEADLINE_SECONDS
from integration.conftest import StartEngine, Tasks

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("night", "expected"),
    [
        (datetime(2026, 3, 28, 12, tzinfo=UTC), "2026-03-29 01:00"),  # 02:30 is skipped: at 03:00
        (datetime(2026, 10, 24, 12, tzinfo=UTC), "2026-10-25 00:30"),  # 02:30 comes twice
    ],
    ids=["forward", "back"],
)
def test_fixed_time_runs_once_in_a_night_in_which_the_clocks_change(
    night: datetime, expected: str
) -> None:
    """Pitfall 33: DST gaps and catch-up storms in cron."""
    schedule = Schedule.read(every=None, cron="30 2 * * *", time_zone=BERLIN, missed=None)
    assert schedule
    first, second = islice(schedule.runs(night, starts_at=night), 2)
    assert f"{first:%Y-%m-%d %H:%M}" == expected
    assert second - first > timedelta(hours=23)


@pytest.mark.parametrize(("missed", "tasks_made"), [("skip", 0), ("once", 1)])
async def test_week_without_workers_is_no_storm_of_tasks(
    start_engine: StartEngine,
    tasks: Tasks,
    connection: asyncpg.Connection,
    missed: str,
    tasks_made: int,
) -> None:
    """Pitfall 33: DST gaps and catch-up storms in cron."""

    async def tick() -> None: ...

    await connection.execute(
        "insert into rowbell.schedules (name, kind, every, missed, starts_at)"
        " values ('often', 'tick', '1 hour', $1, now() - interval '30 days 30 minutes')",
        missed,
    )
    engine = await start_engine(tick)
    await tasks_planned(connection)
    await engine.stop()
    await connection.execute(
        "update rowbell.schedules set next_run_at = starts_at + interval '23 days'"
    )
    await start_engine(tick)
    await tasks_planned(connection)
    made = await connection.fetchval("select count(*) from rowbell.tasks where schedule = 'often'")
    assert made == tasks_made


async def tasks_planned(connection: asyncpg.Connection) -> None:
    """Until the next run lies ahead."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await connection.fetchval(
            "select next_run_at > now() from rowbell.schedules where name = 'often'"
        ):
            await asyncio.sleep(0.01)
