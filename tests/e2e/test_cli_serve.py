"""`rowbell serve` and `worker` from the greeting to the exit code."""

import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deadline import DEADLINE_SECONDS
from e2e.command_line import COMMAND, CommandLine, environment
from postgres import Server

HANDLERS = """
import threading
from rowbell import task

@task
def wait_for_ever() -> None:
    threading.Event().wait()
"""


class Running:
    """A command that stays; `greeting` is what it printed, `log` what it wrote to stderr."""

    def __init__(self, *arguments: str, url: str, folder: Path) -> None:
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*COMMAND, *arguments],
                env=environment(url),
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        self.greeting = "".join(lines)
        assert "is ready" in self.greeting, self.log.read_text()

    def line(self, words: str) -> str:
        return next(line for line in self.greeting.splitlines() if words in line).strip()

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


Start = Callable[..., Running]


@pytest.fixture
def server(servers: Callable[[str], Server]) -> Server:
    """One server is enough: what differs between versions is SQL, which has tests of its own."""
    return servers("packaged")


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[Start]:
    started: list[Running] = []

    def start(*arguments: str) -> Running:
        started.append(Running(*arguments, url=database_url, folder=tmp_path))
        return started[-1]

    yield start
    for each in started:
        each.end()


def test_serve_greets_with_addresses_that_answer_and_a_line_that_can_be_pasted(
    start: Start, database_url: str, tmp_path: Path
) -> None:
    serving = start("serve", "--port", "0")
    assert "PostgreSQL 1" in serving.line("runs on")
    address = serving.line("page").split()[-1]
    assert address.startswith("http://127.0.0.1:")
    assert serving.line("GraphQL").endswith(f"{address}graphql")
    with urllib.request.urlopen(f"{address}readyz", timeout=DEADLINE_SECONDS) as answer:  # noqa: S310
        assert answer.read() == b"ready\n"

    pasted = ["bash", "-c", serving.line("insert into")]
    subprocess.run(pasted, env=environment(database_url), cwd=tmp_path, check=True)
    rowbell = CommandLine(database_url, tmp_path)
    until_one_is(rowbell, "completed")
    assert rowbell.tells("ls")[0]["result"] == {"hello": "world"}
    assert serving.stop(signal.SIGTERM) == 0
    assert '"service.stopped"' in serving.log.read_text()


def until_one_is(rowbell: CommandLine, status: str) -> None:
    """Each look is a process of its own, which is pause enough."""
    for _ in range(30):
        if rowbell.tells("ls", "--status", status):
            return
    raise AssertionError(f"no task became {status}")


def test_a_worker_ends_with_0_though_a_handler_is_stuck_in_its_thread(
    start: Start, database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "acme_tasks.py").write_text(HANDLERS)
    working = start("worker", "--handlers", "acme_tasks", "--drain-seconds", "0")
    assert "wait_for_ever" in working.line("slots for")
    rowbell = CommandLine(database_url, tmp_path)
    number = rowbell.says("enqueue", "wait_for_ever").strip()
    until_one_is(rowbell, "processing")
    assert working.stop(signal.SIGINT) == 0
    assert rowbell.tells("show", number)["status"] == "PENDING"


def test_a_taken_port_is_told_before_anything_else_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = CommandLine(folder=tmp_path).refuses(
            "api", "--port", port, "--log-level", "error", code=2
        )
    assert f"cannot listen on 127.0.0.1:{port}" in said


def test_a_handler_module_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    said = CommandLine(folder=tmp_path).refuses(
        "worker", "--handlers", "no_such_module", "--log-level", "error", code=2
    )
    assert "No module named 'no_such_module'" in said
