"""A worker keeps its lease or stops in time: cancels, locks, a late claim."""

import asyncio
from typing import Any

from deadline import DEADLINE_SECONDS
from integration.conftest import StartEngine, Tasks, connected, soon, until_event

WAITS_FOR_LOCK = """
select exists (select from pg_stat_activity
               where datname = current_database() and wait_event_type = 'Lock')
"""


async def until_somebody_waits_for_a_lock(tasks: Tasks) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await tasks.connection.fetchval(WAITS_FOR_LOCK):
            await asyncio.sleep(0.01)


async def test_cancel_that_no_listener_heard_is_seen_by_the_next_sweep(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    started = asyncio.Event()

    async def wait_for_ever() -> None:
        started.set()
        await asyncio.Event().wait()

    await start_engine(wait_for_ever)
    task = await tasks.insert("wait_for_ever")
    await soon(started)
    await tasks.connection.execute(
        "update rowbell.tasks set cancel_requested_at = now() where id = $1", task
    )
    row = await tasks.until_status(task, "CANCELLED")
    assert row["failures"] == 0


async def test_claim_under_way_when_the_drain_begins_is_not_left_behind(
    database_url: str, start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    async def wait_for_ever() -> None:
        await asyncio.Event().wait()

    engine = await start_engine(wait_for_ever)
    async with connected(database_url) as locker, locker.connection.transaction():
        await locker.connection.execute("lock table rowbell.queues in access exclusive mode")
        task = await tasks.insert("wait_for_ever")
        await until_somebody_waits_for_a_lock(tasks)
        stopping = asyncio.create_task(engine.stop(grace_seconds=0.5))
        await until_event(events, "worker.draining")
    await stopping
    row = await tasks.row(task)
    assert (row["status"], row["crashes"], row["worker"]) == ("PENDING", 0, None)


async def test_worker_beats_while_the_tasks_are_locked(
    database_url: str, start_engine: StartEngine, tasks: Tasks
) -> None:
    async def noop() -> None:
        """Nothing to do."""

    engine = await start_engine(noop, lease_seconds=3)  # it beats twice a second
    beat_at = "select beat_at from rowbell.workers"
    async with connected(database_url) as locker, locker.connection.transaction():
        await locker.connection.execute("lock table rowbell.tasks in access exclusive mode")
        for queue in ("one", "two", "three"):
            engine.worker.dispatchers.bell(queue)
        await until_somebody_waits_for_a_lock(tasks)
        for _ in range(4):
            last = await tasks.connection.fetchval(beat_at)
            async with asyncio.timeout(DEADLINE_SECONDS):
                while await tasks.connection.fetchval(beat_at) == last:
                    await asyncio.sleep(0.01)
