"""Fixtures of the tests of faults: the engine of the integration tests, and what breaks it."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.service import Service
from integration.conftest import start_engine, tasks
from line import Line
from pooler import Pooler
from postgres import Server, available

__all__ = ["start_engine", "tasks"]


FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, float, float], None]:
    """Keeps a figure for the end of the run. The machine may be busy: fails at thrice its bar."""
    figures = request.config.stash.setdefault(FIGURES, [])

    def figure(what: str, seconds: float, bar: float) -> None:
        figures.append(f"{what}: {seconds:.2f} s (bar {bar:g} s)")
        assert seconds < bar * 3, figures[-1]

    return figure


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for line in config.stash.get(FIGURES, []):
        terminalreporter.write_line(line)


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


@pytest.fixture(scope="module")
def lonely() -> Iterator[Server]:
    """A server that no other module uses: it may be stopped, and left stopped."""
    server = Server("packaged", available()["packaged"])
    yield server
    server.remove()


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """`start_service("worker", url, ...)`: a process of its own on a database."""
    started: list[Service] = []

    def start(command: str, url: str, **settings: str) -> Service:
        home, modules = tmp_path / "home", tmp_path
        started.append(Service(command, home=home, modules=modules, database_url=url, **settings))
        return started[-1]

    yield start
    for each in started:
        each.stop()
