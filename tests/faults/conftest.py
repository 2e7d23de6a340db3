"""Fixtures of the tests of faults: the engine of the integration tests, and what breaks it."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from integration.conftest import start_engine, tasks
from line import Line
from pooler import Pooler
from postgres import Server

__all__ = ["start_engine", "tasks"]


@pytest.fixture
async def line(server: Server) -> AsyncIterator[Line]:
    """A line to the server, lit."""
    async with Line(server).open() as opened:
        yield opened


@pytest.fixture
def standby(server: Server, database_url: str) -> Iterator[Server]:
    """A streaming replica of the server, with the test's database."""
    replica = server.standby()
    yield replica
    replica.remove()


@pytest.fixture
def pooler(server: Server) -> Iterator[Callable[[str], Pooler]]:
    """pgbouncer in front of the server, by its mode: session or transaction."""
    started: list[Pooler] = []

    def start(mode: str) -> Pooler:
        started.append(Pooler(server, mode))
        return started[-1]

    yield start
    for each in started:
        each.remove()
