"""What a process counts of its bell, its looks and its sweeps."""

import asyncio
from dataclasses import fields

import asyncpg
import pytest

from rowbell.db.ears import BELL, Ears
from rowbell.tally import Tally, tally

from deadline import DEADLINE_SECONDS
from integration.conftest import StartEngine, Tasks, both_servers, listening, soon

pytestmark = both_servers


@pytest.fixture(autouse=True)
def from_zero() -> None:
    for each in fields(Tally):
        setattr(tally, each.name, each.default)


async def echo() -> None:
    """Do nothing."""


async def test_a_task_that_is_rung_counts_as_answered(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    await start_engine(echo)
    await tasks.until_status(await tasks.insert("echo"), "COMPLETED")
    assert tally.bells_heard >= 1
    assert (tally.tasks_claimed, tally.tasks_answered, tally.tasks_swept) == (1, 1, 0)
    assert tally.looks >= 1


async def test_a_task_that_nobody_rang_for_counts_as_found_by_a_sweep(
    start_engine: StartEngine, tasks: Tasks, connection: asyncpg.Connection
) -> None:
    await start_engine(echo, sweep_seconds=0.5)
    await connection.execute("alter table rowbell.tasks disable trigger user")
    await tasks.until_status(await tasks.insert("echo"), "COMPLETED")
    assert (tally.tasks_claimed, tally.tasks_answered, tally.tasks_swept) == (1, 0, 1)
    assert tally.sweeps >= 1


async def test_the_probe_of_the_listener_is_timed(database_url: str) -> None:
    async with listening(database_url, Ears()):
        assert tally.is_listening
        assert tally.listener_connects == tally.probes == 1
        assert tally.probe_seconds is not None
        assert 0 < tally.probe_seconds < DEADLINE_SECONDS


async def test_a_listener_that_is_cut_off_counts_a_loss_and_another_connect(
    database_url: str, connection: asyncpg.Connection
) -> None:
    ready, lost = asyncio.Event(), asyncio.Event()
    async with listening(database_url, Ears(lost=lost.set, ready=ready.set)):
        ready.clear()
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and application_name = 'rowbell listener'"
        )
        await soon(lost)
        assert not tally.is_listening
        await soon(ready)
    assert (tally.listener_losses, tally.listener_connects) == (1, 2)


async def test_a_bell_for_no_queue_of_ours_is_heard_too(
    database_url: str, connection: asyncpg.Connection
) -> None:
    rung = asyncio.Event()
    async with listening(database_url, Ears(bell=lambda _: rung.set())):
        await connection.execute(f"notify {BELL}, 'elsewhere'")
        await soon(rung)
    assert tally.bells_heard == 1
