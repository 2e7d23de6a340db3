"""The listener under faults: silence, deafness, races around LISTEN, floods."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from rowbell.db.ears import PROBE, Ears
from rowbell.db.listener import Listener
from rowbell.db.session import Session

from deadline import DEADLINE_SECONDS
from integration.conftest import NEVER_SECONDS, StartEngine, Tasks, listening, soon, until_event
from line import Line
from postgres import Server

Figure = Callable[[str, float, float], None]

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LISTENER = "application_name = 'rowbell listener' and datname = current_database()"
END_LISTENER = f"select pg_terminate_backend(pid) from pg_stat_activity where {LISTENER}"
CLAIMED_SINCE = """
select exists (select from pg_stat_activity where datname = current_database()
               and query like '%rowbell.claim(%' and state = 'idle' and query_start > $1)
"""


async def noop() -> None:
    """Nothing to do."""


@pytest.mark.parametrize("answers_only", [False, True], ids=["dark", "dark on the way back"])
async def test_silent_network_is_noticed_and_mended_without_help(
    line: Line, database_url: str, events: list[Any], figure: Figure, answers_only: bool
) -> None:
    """Pitfall 1: a half-open socket is noticed within two probes, and another one is opened."""
    looks = asyncio.Queue[None]()
    ears = Ears(ready=lambda: looks.put_nowait(None))
    async with listening(line.url(database_url), ears) as listener:
        await asyncio.wait_for(looks.get(), DEADLINE_SECONDS)
        line.dark(answers_only=answers_only)
        began = time.monotonic()
        await until_event(events, "listener.lost")
        figure("a silent network is noticed", time.monotonic() - began, 3)
        assert not listener.ready.is_set()
        line.lit()
        await soon(listener.ready)
        await asyncio.wait_for(looks.get(), DEADLINE_SECONDS)  # and everything is looked at again


@pytest.mark.parametrize("server", ["packaged"], indirect=True)
async def test_end_that_is_announced_but_still_on_its_way_is_no_fault_of_the_listener(
    line: Line, database_url: str, connection: asyncpg.Connection
) -> None:
    """asyncpg refuses statements in between with an error of its own."""
    listening = await asyncpg.connect(line.url(database_url))
    session = Session(listening, DEADLINE_SECONDS)
    line.passes_ends.clear()
    await connection.execute("select pg_terminate_backend($1)", listening.get_server_pid())
    await soon(line.ended)
    await session.close()
    assert listening.is_closed()


@pytest.mark.parametrize("server", ["packaged"], indirect=True)
async def test_probe_of_a_silent_listener_can_be_heard_by_others(
    database_url: str, connection: asyncpg.Connection
) -> None:
    """Pitfall 2: the health ping goes through PostgreSQL, again and again."""
    heard: asyncio.Queue[int] = asyncio.Queue()
    async with listening(database_url, Ears()):
        await connection.add_listener(PROBE, lambda _, pid, *__: heard.put_nowait(pid))
        pid = await connection.fetchval(f"select pid from pg_stat_activity where {LISTENER}")
        for _ in range(3):
            assert await asyncio.wait_for(heard.get(), DEADLINE_SECONDS) == pid


@pytest.mark.parametrize("server", ["packaged"], indirect=True)
async def test_listener_whose_backend_is_frozen_opens_another_one(
    database_url: str, connection: asyncpg.Connection, events: list[Any]
) -> None:
    """Pitfall 2: the health ping needs an answer, not only an open socket."""
    async with listening(database_url, Ears()) as listener:
        pid = await connection.fetchval(f"select pid from pg_stat_activity where {LISTENER}")
        os.kill(pid, signal.SIGSTOP)
        try:
            await until_event(events, "listener.lost")
            await soon(listener.ready)
        finally:
            os.kill(pid, signal.SIGCONT)
        pids = await connection.fetch(f"select pid from pg_stat_activity where {LISTENER}")
    assert any(row["pid"] != pid for row in pids)


async def test_killed_backend_is_noticed_at_once(
    database_url: str, connection: asyncpg.Connection
) -> None:
    """Pitfall 1: where the server does say goodbye, no probe is waited for."""
    lost = asyncio.Event()
    async with listening(database_url, Ears(lost=lost.set), probe_seconds=60) as listener:
        await connection.execute(END_LISTENER)
        await soon(lost)
        await soon(listener.ready)


async def test_lost_listener_listens_again_and_then_looks_at_every_queue(
    line: Line, database_url: str, start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    """Pitfall 3: a reconnect LISTENs again, and finds what was rung while it could not hear."""
    await start_engine(noop, sweep_seconds=NEVER_SECONDS, listener_url=line.url(database_url))
    line.dark()
    await until_event(events, "listener.lost")
    missed = await tasks.insert("noop")
    line.lit()
    await tasks.until_status(missed, "COMPLETED")
    await tasks.until_status(await tasks.insert("noop"), "COMPLETED")
    assert not [event for event in events if event["event"] == "sweep.found"]


@pytest.mark.parametrize("server", ["packaged"], indirect=True)
async def test_row_committed_just_before_listen_takes_force_is_found(
    line: Line, database_url: str, start_engine: StartEngine, tasks: Tasks
) -> None:
    """Pitfall 4: LISTEN first, then look: in the other order this row waits for a sweep."""
    await start_engine(noop, sweep_seconds=NEVER_SECONDS, listener_url=line.url(database_url))
    line.hold("LISTEN")
    await tasks.connection.execute(END_LISTENER)
    await soon(line.held)
    task = await tasks.insert("noop")  # nobody listens
    line.lit()
    await tasks.until_status(task, "COMPLETED")


@pytest.mark.parametrize("server", ["packaged"], indirect=True)
async def test_listener_on_a_standby_says_so_once_and_hears_after_the_promotion(
    standby: Server, database_url: str, events: list[Any]
) -> None:
    """Pitfall 5: LISTEN on a standby must not flood the log, ours or the server's."""
    url, log, looks = (
        standby.url(database_url.partition("@/")[2].partition("?")[0]),
        standby.folder / "log",
        [],
    )
    listener = Listener(url, 0.5, Ears(lost=lambda: looks.append(None)))
    running = asyncio.create_task(listener.run())
    try:
        await until_event(events, "listener.deaf")
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(looks) < 6:  # it looks again and again …
                await asyncio.sleep(0.01)
        assert [event["event"] for event in events] == ["listener.deaf"]
        assert "cannot execute" not in log.read_text()
        await asyncio.to_thread(standby.promote)
        await soon(listener.ready)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("server", ["packaged"], indirect=True)
async def test_thousands_of_bells_in_a_burst_are_one_flag_and_lose_nothing(
    start_engine: StartEngine, tasks: Tasks, events: list[Any]
) -> None:
    """Pitfall 8: bells set a flag; there is no buffer that could overflow and drop one."""
    await start_engine(noop, sweep_seconds=NEVER_SECONDS)
    await tasks.connection.execute(
        """
        do $$ begin
          for n in 1..2000 loop
            insert into rowbell.tasks (kind, queue) values ('noop', 'queue_' || n % 20);
            commit;
          end loop;
        end $$
        """
    )
    await tasks.until_all_finished()


@pytest.mark.parametrize("server", ["packaged"], indirect=True)
async def test_bell_that_rings_during_a_look_calls_for_another_one(
    line: Line, database_url: str, start_engine: StartEngine, tasks: Tasks
) -> None:
    """Pitfall 9: the wake flag is cleared before the look, so what rings during it is kept."""
    engine = await start_engine(
        noop,
        sweep_seconds=NEVER_SECONDS,
        lease_seconds=30,
        database_url=line.url(database_url),
        listener_url=database_url,
    )
    await tasks.until_status(await tasks.insert("noop"), "COMPLETED")
    asked_at = await tasks.connection.fetchval("select clock_timestamp()")
    line.dark(answers_only=True)
    engine.worker.dispatchers.bell("default")
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await tasks.connection.fetchval(CLAIMED_SINCE, asked_at):
            await asyncio.sleep(0.01)
    # PostgreSQL has answered that there is nothing; the answer is on its way. The row is not taken
    # for one that has just become due, for which a dispatcher would ask again without a bell.
    task = await tasks.insert("noop", run_at=LONG_AGO)
    line.lit()
    await tasks.until_status(task, "COMPLETED")
