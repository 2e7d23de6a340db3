"""Fixtures: the packages of npm, the processes of the service, and clients that talk to them."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from clients import node_program
from clients.node_program import Program
from clients.services import Services
from postgres import Server

StartProgram = Callable[..., Program]


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs beside the folder node_modules, where Node looks for packages."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed: apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("programs")
    for script in (node_program.HERE / "programs").iterdir():
        shutil.copy(script, folder)
    (folder / "node_modules").symlink_to(node_program.installed())
    return folder


@pytest.fixture
def server(servers: Callable[[str], Server]) -> Server:
    """One server is enough: what differs between versions is SQL, which has tests of its own."""
    return servers("packaged")


@pytest.fixture
def services(database_url: str, tmp_path: Path) -> Iterator[Services]:
    """None runs yet, for tests that start and end them."""
    services = Services(database_url, tmp_path / "home")
    yield services
    services.end()


@pytest.fixture(scope="session")
def standing(
    servers: Callable[[str], Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    """Two processes on one database, one of which works: for tests that leave them as they are."""
    server = servers("packaged")
    Services(server.url(), Path()).psql("create database standing")
    services = Services(server.url("standing"), tmp_path_factory.mktemp("home"))
    services.start("api", "serve")
    yield services
    services.end()


@pytest.fixture
def start(programs: Path) -> Iterator[StartProgram]:
    """Start a client program by its name; it is ended with the test."""
    with ExitStack() as stack:

        def start(name: str, addresses: list[str], **options: Any) -> Program:
            return stack.enter_context(Program(programs / f"{name}.mjs", addresses, **options))

        yield start
