"""A whole engine in the test's own process: listener, worker and sweeper on a fresh database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest

from rowbell.config import Settings
from rowbell.db.ears import Ears
from rowbell.db.listener import Listener
from rowbell.db.pool import Database
from rowbell.decorator import Options, describe
from rowbell.engine.hearing import hear
from rowbell.engine.schedules import Schedules
from rowbell.engine.sweeper import Sweeper
from rowbell.engine.worker import Worker
from rowbell.handlers import Function, Handlers

from deadline import DEADLINE_SECONDS
from postgres import Server

both_servers = pytest.mark.parametrize("server", ["packaged", "debian15"], indirect=True)
"""For modules whose statements are of Python's making; those of sql/ have tests of their own."""

NEVER_SECONDS = 3_600.0
"""Between two sweeps: whatever runs within a test runs by its bell."""


@asynccontextmanager
async def listening(url: str, ears: Ears, probe_seconds: float = 0.5) -> AsyncIterator[Listener]:
    """A listener alone, ready."""
    listener = Listener(url, probe_seconds, ears)
    running = asyncio.create_task(listener.run())
    try:
        await soon(listener.ready)
        yield listener
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    """One server is enough where no statement is put to the test; see `both_servers`."""
    return servers(getattr(request, "param", "packaged"))


class Engine:
    """What `rowbell worker` runs, without the process."""

    def __init__(self, database: Database, handlers: Handlers, settings: Settings) -> None:
        self.worker = Worker(database, handlers, settings)
        self.listener = Listener(settings.database_url or "", settings.probe_seconds)
        self.sweeper = Sweeper(database, self.worker, settings)
        self.schedules = Schedules(database, handlers)
        self.services: list[asyncio.Task[None]] = []
        hear(self.listener, self.worker, self.sweeper, self.schedules)

    async def start(self, *, hears: bool = True) -> None:
        self.services.append(asyncio.create_task(self.worker.run()))
        await self.worker.ready.wait()
        for service in (self.sweeper, self.listener, self.schedules):
            self.services.append(asyncio.create_task(service.run()))
        if hears:
            await self.listener.ready.wait()
        await self.sweeper.ready.wait()
        await self.schedules.ready.wait()

    async def stop(self, grace_seconds: float = 0) -> None:
        await self.worker.drain(grace_seconds)
        await self.die()

    async def die(self) -> None:
        """End without a word, as a killed process does."""
        for service in self.services:
            service.cancel()
        await asyncio.gather(*self.services, return_exceptions=True)
        self.services.clear()


StartEngine = Callable[..., Awaitable[Engine]]


@pytest.fixture
async def start_engine(database_url: str, settings: Settings) -> AsyncIterator[StartEngine]:
    """`await start_engine(handler, ..., slots=...)`: a running engine with these handlers.

    listener_url: another way for the listener than for everything else. hears=False: that
    the listener is ready is not waited for.
    """
    async with AsyncExitStack() as stack:

        async def start(*functions: Function, **overrides: Any) -> Engine:
            return await stack.enter_async_context(_engine(functions, settings, overrides))

        yield start


@asynccontextmanager
async def _engine(
    functions: tuple[Function, ...], settings: Settings, overrides: dict[str, Any]
) -> AsyncIterator[Engine]:
    options = {name: overrides.pop(name) for name in Options.__annotations__ if name in overrides}
    listener_url, hears = overrides.pop("listener_url", None), overrides.pop("hears", True)
    adjusted = settings.model_copy(update=overrides)
    database = await Database.open(adjusted.database_url or "", name="rowbell engine")
    engine = Engine(database, Handlers(*(describe(f, **options) for f in functions)), adjusted)
    engine.listener.url = listener_url or engine.listener.url
    try:
        await engine.start(hears=hears)
        yield engine
        if engine.services:
            await engine.stop()
    finally:
        await engine.die()
        await engine.worker.attempts.executors.close()
        await database.close()


class Tasks:
    """Insert tasks as an application would, and wait for what becomes of them."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def insert(self, kind: str, **columns: Any) -> int:
        names = ["kind", *columns]
        places = [
            f"${n}" + ("::text::jsonb" if c == "payload" else "") for n, c in enumerate(names, 1)
        ]
        listed, values_ = ", ".join(names), ", ".join(places)
        statement = f"insert into rowbell.tasks ({listed}) values ({values_}) returning id"
        return int(await self.connection.fetchval(statement, kind, *columns.values()))

    async def row(self, task_id: int) -> asyncpg.Record:
        return await self.connection.fetchrow("select * from rowbell.tasks where id = $1", task_id)

    async def until(self, condition: str, *values: Any) -> None:
        """Wait until a condition holds for some row; the test fails if it never does."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            query = f"select exists (select from rowbell.tasks where {condition})"
            while not await self.connection.fetchval(query, *values):
                await asyncio.sleep(0.01)

    async def until_all_finished(self) -> None:
        await self.until("true having bool_and(finished_at is not null)")

    async def until_status(self, task_id: int, status: str) -> asyncpg.Record:
        await self.until("id = $1 and status::text = $2", task_id, status)
        return await self.row(task_id)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Tasks]:
    """Tasks over a connection of their own, where the fixture's would not survive the test."""
    connection = await asyncpg.connect(url)
    try:
        yield Tasks(connection)
    finally:
        await connection.close()


@pytest.fixture
def tasks(connection: asyncpg.Connection) -> Tasks:
    return Tasks(connection)


async def until_event(events: list[Any], name: str, **fields: Any) -> Any:
    """Wait for a log event with these fields, and return it."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            for event in list(events):
                if event["event"] == name and fields.items() <= event.items():
                    return event
            await asyncio.sleep(0.01)


async def soon(event: asyncio.Event) -> None:
    """Wait for an event of a handler; the test fails if it never comes."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        await event.wait()
