"""Fixtures: real servers, and a fresh migrated database for each test that asks for one."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
import structlog

from rowbell.config import Settings
from rowbell.db.migrate import migrate
from rowbell.db.pool import Database

from postgres import Server, available

TEMPLATE = "rowbell_template"


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], Server]]:
    """Servers by label, started when first asked for and kept for the session."""
    started: dict[str, Server] = {}

    def server(label: str) -> Server:
        if label not in started:
            binaries = available().get(label)
            if binaries is None:
                pytest.skip(f"PostgreSQL {label} is not installed: apt-get install postgresql-15")
            started[label] = Server(label, binaries)
        return started[label]

    yield server
    for each in started.values():
        each.remove()


@pytest.fixture(params=["packaged", "debian15"])
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    """A server of each supported kind. Tests must leave it running."""
    return servers(request.param)


@pytest.fixture
async def database_url(server: Server) -> AsyncIterator[str]:
    """A fresh database with the schema of Rowbell."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(server.url())
    await _ensure_template(admin, server)
    await admin.execute(f"create database {name} template {TEMPLATE}")
    await admin.close()
    yield server.url(name)
    admin = await asyncpg.connect(server.url())  # anew: the test may have restarted the server
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


async def _ensure_template(admin: asyncpg.Connection, server: Server) -> None:
    if not await admin.fetchval("select true from pg_database where datname = $1", TEMPLATE):
        await admin.execute(f"create database {TEMPLATE}")
        await migrate(server.url(TEMPLATE))


@pytest.fixture
async def empty_url(server: Server) -> AsyncIterator[str]:
    """A database without the schema of Rowbell."""
    async with _empty(server) as url:
        yield url


@pytest.fixture
async def other_empty_url(server: Server) -> AsyncIterator[str]:
    """Another one, of the same server."""
    async with _empty(server) as url:
        yield url


@asynccontextmanager
async def _empty(server: Server) -> AsyncIterator[str]:
    name = f"empty_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(server.url())
    await admin.execute(f"create database {name}")
    yield server.url(name)
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A plain connection, as an application or psql would have it."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, name="rowbell tests")
    yield opened
    await opened.close()


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings that sweep often, so that no test waits for long; a busy machine loses no lease."""
    return Settings.load(
        {},
        database_url=database_url,
        sweep_seconds=0.2,
        lease_seconds=30,
        drain_seconds=5,
        probe_seconds=1,
    )


@pytest.fixture
def events() -> Iterator[list[structlog.typing.EventDict]]:
    """Every log event of the test, as it happens."""
    with structlog.testing.capture_logs() as captured:
        yield captured
