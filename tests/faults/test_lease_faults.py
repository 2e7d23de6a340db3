"""Workers die, sleep, or lose the network: their tasks come back, and they can finish nothing."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from rowbell import Context

from deadline import DEADLINE_SECONDS
from faults.worker_process import Workers, workers
from integration.conftest import StartEngine, Tasks, connected, soon, until_event
from line import Line
from postgres import Server
from sql.rows import claim, insert, later, register, row

LEASE_SECONDS = 3.0
one_server = pytest.mark.parametrize("server", ["packaged"], indirect=True)
"""For faults of processes and the network: which version of PostgreSQL it is plays no part."""


@pytest.fixture
def processes(database_url: str, tmp_path: Path) -> Iterator[Workers]:
    with workers(database_url, tmp_path) as started:
        yield started


async def until_noted(processes: Workers, *words: str | int) -> None:
    """Wait until a handler has noted this."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not any(note[: len(words)] == words for note in processes.diary()):
            await asyncio.sleep(0.01)


async def noop() -> None:
    """Nothing to do."""


@one_server
async def test_worker_that_slept_through_its_lease_can_finish_nothing(
    processes: Workers, tasks: Tasks
) -> None:
    """Pitfall 16: a stale worker finishes a task that another one runs."""
    sleeper = processes.start()
    task = await tasks.insert("wait_in_a_thread")
    await until_noted(processes, "began", task, 1)
    os.kill(sleeper.process.pid, signal.SIGSTOP)
    heir = processes.start()
    await until_noted(processes, "began", task, 2, heir.process.pid)
    os.kill(heir.process.pid, signal.SIGSTOP)  # so that the sleeper is the first to finish
    processes.go()
    os.kill(sleeper.process.pid, signal.SIGCONT)
    await asyncio.to_thread(sleeper.wait_for, "worker.fenced", attempts=1)
    await asyncio.to_thread(sleeper.wait_for, "attempt.refused", task=task, attempt=1)
    assert (await tasks.row(task))["status"] == "PROCESSING"
    os.kill(heir.process.pid, signal.SIGCONT)
    after = await tasks.until_status(task, "COMPLETED")
    assert (after["result"], after["attempt"], after["crashes"]) == ("2", 2, 1)


async def test_limit_that_a_lost_worker_held_is_released_once(
    connection: asyncpg.Connection,
) -> None:
    """Pitfall 16: limits released twice (a `limit: 1` job ran 11 times at once)."""
    lost, heir = await register(connection), await register(connection)
    await connection.execute("insert into rowbell.queues (name, max_running) values ('default', 1)")
    (first, *_) = await insert(connection, count=5)
    await claim(connection, lost)
    await connection.execute("select rowbell.heartbeat($1, 0, false, null, $2)", heir, later(20))
    await connection.execute("select from rowbell.rescue(10, $1)", later(31))
    assert [c["id"] for c in await claim(connection, heir, at=later(31))] == [first]
    for late in (
        "select rowbell.complete(array[$1::bigint], array[1], array['1'])",
        "select id from rowbell.fail(array[$1::bigint], array[1], array['{}'], array[9])",
        "select id from rowbell.release(array[$1::bigint], array[1])",
    ):
        await connection.execute(late, first)
        assert await claim(connection, heir, at=later(31)) == []
    await connection.execute(
        "select rowbell.complete(array[$1::bigint], array[2], array['1'])", first
    )
    assert len(await claim(connection, heir, at=later(31))) == 1


@one_server
@pytest.mark.parametrize("calls", ["no", "often"])
async def test_worker_that_the_network_left_ends_its_attempts_before_others_begin_theirs(
    server: Server, database_url: str, start_engine: StartEngine, events: list[Any], calls: str
) -> None:
    """Pitfall 17: a worker whose heartbeat failed keeps working: it must fence itself."""
    ended, taken = asyncio.Event(), asyncio.Event()
    first = asyncio.Event()

    async def wait_for_ever(context: Context) -> None:
        if context.attempt > 1:
            assert ended.is_set(), "two attempts ran at the same time"
            taken.set()
            return
        first.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with Line(server).open() as line, connected(database_url) as tasks:
        lonely = await start_engine(
            wait_for_ever, database_url=line.url(database_url), lease_seconds=LEASE_SECONDS
        )
        task = await tasks.insert("wait_for_ever", max_attempts=1)
        await soon(first)
        # PostgreSQL is well, and reachable for this one.
        await start_engine(wait_for_ever, lease_seconds=LEASE_SECONDS)
        line.dark()
        if calls == "often":
            for queue in ("one", "two", "three"):
                lonely.worker.dispatchers.bell(queue)
        await soon(ended)
        await soon(taken)
        await tasks.until_status(task, "COMPLETED")
        line.lit()
        await until_event(events, "worker.fenced", attempts=1)
        await lonely.die()


@one_server
async def test_sweep_gives_back_tasks_of_kinds_that_it_does_not_know(
    processes: Workers, start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    """Pitfall 18: a rescuer discards kinds it does not know."""
    doomed = processes.start()
    task = await tasks.insert("wait_for_ever")
    await until_noted(processes, "began", task, 1)
    await start_engine(noop)
    doomed.kill()
    after = await tasks.until_status(task, "PENDING")
    assert (after["crashes"], after["failures"], after["attempt"]) == (1, 0, 1)
    await until_event(events, "kind.unknown", kind="wait_for_ever")


async def test_rows_that_cannot_be_rescued_do_not_keep_the_others_waiting(
    connection: asyncpg.Connection, database_url: str
) -> None:
    """Pitfall 19: one batch of un-rescuable rows starves the rest."""
    worker = await register(connection)
    ids = await insert(connection, count=30)
    await claim(connection, worker, 30)
    async with connected(database_url) as locker, locker.connection.transaction():
        await locker.connection.fetch(
            "select from rowbell.tasks where id = any ($1) for update", ids[:20]
        )
        rescued = await connection.fetch("select tasks from rowbell.rescue(10, $1)", later(31))
    assert [tuple(each) for each in rescued] == [(10,)]
    assert [(await row(connection, id_))["status"] for id_ in ids[20:]] == ["PENDING"] * 10


async def test_row_that_somebody_refuses_to_give_back_does_not_keep_the_others_waiting(
    connection: asyncpg.Connection,
) -> None:
    """Pitfall 19: one batch of un-rescuable rows starves the rest."""
    worker = await register(connection)
    refused, *others = await insert(connection, count=5)
    await claim(connection, worker)
    await connection.execute(
        f"""
        create function refuse() returns trigger language plpgsql as
          $$ begin raise exception 'not this one'; end $$;
        create trigger refuse before update on rowbell.tasks
          for each row when (new.id = {refused}) execute function refuse()
        """
    )
    await connection.execute("select from rowbell.rescue(10, $1)", later(31))
    assert [(await row(connection, id_))["status"] for id_ in others] == ["PENDING"] * 4


async def test_handler_that_blocks_its_thread_blocks_no_heartbeat(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    """Pitfall 20: a sync handler blocks the loop and the heartbeat with it."""
    began, go_on = threading.Event(), threading.Event()

    def block(context: Context) -> int:
        began.set()
        go_on.wait(DEADLINE_SECONDS)
        return context.attempt

    await start_engine(block, noop, slots=2, lease_seconds=LEASE_SECONDS)
    task = await tasks.insert("block")
    assert await asyncio.to_thread(began.wait, DEADLINE_SECONDS)
    await until_a_lease_of_beats_has_passed(tasks)
    await tasks.until_status(await tasks.insert("noop"), "COMPLETED")
    go_on.set()
    after = await tasks.until_status(task, "COMPLETED")
    assert (after["result"], after["crashes"]) == ("1", 0)


async def until_a_lease_of_beats_has_passed(tasks: Tasks) -> None:
    """Until the worker has beaten for longer than its lease lasts from now on."""
    beats = "select beat_at > $1::timestamptz + lease from rowbell.workers"
    now = await tasks.connection.fetchval("select now()")
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await tasks.connection.fetchval(beats, now):
            await asyncio.sleep(0.02)


async def test_handlers_that_hold_every_connection_starve_neither_beats_nor_outcomes(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    """Pitfall 21: handlers use up the pool and heartbeats starve."""
    began, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def hold_a_connection(context: Context) -> None:
        began.release()
        async with context.transaction():
            await go_on.wait()

    await start_engine(hold_a_connection, noop, slots=20, lease_seconds=LEASE_SECONDS)
    for _ in range(10):
        await tasks.insert("hold_a_connection")
    async with asyncio.timeout(DEADLINE_SECONDS):
        for _ in range(10):
            await began.acquire()
    await until_a_lease_of_beats_has_passed(tasks)
    await tasks.until_status(await tasks.insert("noop"), "COMPLETED")
    go_on.set()
    await tasks.until_all_finished()
    after = await tasks.connection.fetchrow(
        "select bool_and(status = 'COMPLETED'), sum(crashes), max(attempt) from rowbell.tasks"
    )
    assert tuple(after) == (True, 0, 1)


@one_server
async def test_locks_of_a_killed_worker_go_with_it(
    processes: Workers, tasks: Tasks, connection: asyncpg.Connection
) -> None:
    """Pitfall 22: lock kept for hours after a crash."""
    doomed = processes.start()
    task = await tasks.insert("hold_locks")
    await until_noted(processes, "began", task, 1)
    processes.start()
    assert not await connection.fetchval("select pg_try_advisory_xact_lock(1)")
    doomed.kill()
    after = await tasks.until_status(task, "COMPLETED")
    assert (after["result"], after["crashes"]) == ("2", 1)
    assert await connection.fetchval("select pg_try_advisory_xact_lock(1)")


@one_server
async def test_hundred_tasks_of_a_killed_worker_run_elsewhere_within_its_lease_and_two_seconds(
    processes: Workers, connection: asyncpg.Connection, figure: Callable[[str, float, float], None]
) -> None:
    """Pitfall 22: and with the locks go 100 running tasks, however seldom is swept."""
    elsewhere = """
    select extract(epoch from max(started_at) - $1)::float8 from rowbell.tasks
    having bool_and(status = 'PROCESSING' and attempt = 2 and crashes = 1)
    """
    doomed = processes.start()
    await connection.execute(
        "insert into rowbell.tasks (kind) select 'wait_for_ever' from generate_series(1, 100)"
    )
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(processes.diary()) < 100:
            await asyncio.sleep(0.01)
    processes.start(sweep_seconds="30")  # the end of a lease is not left to chance
    killed_at = await connection.fetchval("select clock_timestamp()")
    doomed.kill()
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (seconds := await connection.fetchval(elsewhere, killed_at)) is None:
            await asyncio.sleep(0.02)
    figure("a hundred tasks of a killed worker run elsewhere", seconds, LEASE_SECONDS + 2)
