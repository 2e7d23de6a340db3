"""Fixtures of the tests of sql/: second sessions, ears, login roles, empty databases."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from rows import Ear

from postgres import Server

Login = Callable[..., Awaitable[asyncpg.Connection]]


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A second session in the same database."""
    other = await asyncpg.connect(database_url)
    yield other
    await other.close()


@pytest.fixture
async def ear(database_url: str) -> AsyncIterator[Ear]:
    """Listens to the bell."""
    ear = await Ear.open(database_url, "rowbell_bell")
    yield ear
    await ear.close()


@pytest.fixture
async def changes(database_url: str) -> AsyncIterator[Ear]:
    """Listens to what watchers are told."""
    ear = await Ear.open(database_url, "rowbell_changes")
    yield ear
    await ear.close()


@pytest.fixture
async def login_url(
    connection: asyncpg.Connection, server: Server
) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Makes a login role that is a member of the given roles and nothing else; returns its URL."""
    made: list[str] = []
    database = await connection.fetchval("select current_database()")

    async def login_url(*roles: str) -> str:
        name = f"login_{uuid.uuid4().hex[:12]}"
        member = f" in role {', '.join(roles)}" if roles else ""
        await connection.execute(f"create role {name} login{member}")
        made.append(name)
        return server.url(database, name)

    yield login_url
    for name in made:
        await connection.execute(f"drop owned by {name}; drop role {name}")


@pytest.fixture
async def login(
    login_url: Callable[..., Awaitable[str]],
) -> AsyncIterator[Login]:
    """Connects as a new login role that is a member of the given roles and nothing else."""
    opened: list[asyncpg.Connection] = []

    async def login(*roles: str) -> asyncpg.Connection:
        opened.append(await asyncpg.connect(await login_url(*roles)))
        return opened[-1]

    yield login
    for each in opened:
        await each.close()
