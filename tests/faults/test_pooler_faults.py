"""Behind pgbouncer: what delivers is used, and what does not deliver is named."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from rowbell import Context
from rowbell.db.ears import Ears
from rowbell.db.listener import Listener
from rowbell.db.migrate import migrate

from deadline import DEADLINE_SECONDS
from integration.conftest import StartEngine, Tasks, listening, until_event
from pooler import Pooler

pytestmark = pytest.mark.parametrize("server", ["packaged"], indirect=True)


async def noop() -> None:
    """Nothing to do."""


async def transactional(pooler: Callable[[str], Pooler], database_url: str) -> str:
    return (await asyncio.to_thread(pooler, "transaction")).url(database_url)


async def test_service_behind_a_transaction_pooler_runs_on_sweeps_and_says_so(
    pooler: Callable[[str], Pooler],
    database_url: str,
    start_engine: StartEngine,
    tasks: Tasks,
    events: list[Any],
) -> None:
    """Pitfall 6: a pooler in transaction mode answers LISTEN and delivers nothing."""

    async def commit_with_own_writes(context: Context) -> None:
        async with context.transaction() as tx:
            await tx.execute("select pg_sleep(0.001)")

    url = await transactional(pooler, database_url)
    await start_engine(noop, commit_with_own_writes, database_url=url, hears=False)
    deaf = await until_event(events, "listener.deaf")
    assert deaf["remedy"]
    await tasks.connection.execute(
        "insert into rowbell.tasks (kind)"
        " select k from generate_series(1, 200), unnest(array['noop', 'commit_with_own_writes']) k"
    )
    await tasks.until_all_finished()
    assert await tasks.connection.fetchval(
        "select bool_and(status = 'COMPLETED') from rowbell.tasks"
    )
    await until_event(events, "sweep.found")
    warnings = {event["event"] for event in events if event["log_level"] in ("warning", "error")}
    assert warnings == {"listener.deaf", "sweep.found"}


async def test_listener_behind_a_transaction_pooler_is_not_deceived_by_its_own_probe(
    pooler: Callable[[str], Pooler], database_url: str, events: list[Any]
) -> None:
    """Pitfall 6: alone, it gets the same session again and again, and would hear itself."""
    listener = Listener(await transactional(pooler, database_url), 0.5, Ears())
    running = asyncio.create_task(listener.run())
    try:
        await until_event(events, "listener.deaf")
        assert not [event for event in events if event["event"] == "listener.ready"]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_bells_are_heard_through_a_session_pooler(
    pooler: Callable[[str], Pooler], database_url: str, connection: asyncpg.Connection
) -> None:
    """Pitfall 6: a pooler in session mode delivers, and is not taken for a deaf one."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    url = (await asyncio.to_thread(pooler, "session")).url(database_url)
    async with listening(url, Ears(bell=heard.put_nowait)):
        await connection.execute("insert into rowbell.tasks (kind) values ('echo')")
        assert await asyncio.wait_for(heard.get(), DEADLINE_SECONDS) == "default"


async def test_several_processes_migrate_through_a_transaction_pooler(
    pooler: Callable[[str], Pooler], empty_url: str
) -> None:
    """Pitfall 6: what starts a service needs no session of its own either."""
    url = await transactional(pooler, empty_url)
    applied = await asyncio.gather(*(migrate(url) for _ in range(4)))
    assert sorted(map(bool, applied)) == [False] * 3 + [True]
