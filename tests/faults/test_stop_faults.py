"""Stopping under faults: outcomes on their way, impatient signals, a server that is silent."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rowbell.db.migrate import migrate

from deadline import DEADLINE_SECONDS
from e2e.service import Service
from postgres import Server

StartService = Callable[..., Service]

HANDLERS = """
import asyncio, os
from rowbell import Context, task

@task
async def note_and_return(payload: str, context: Context) -> int:
    await asyncio.sleep(0.05)
    with open(payload, "a") as file:
        file.write(f"{context.task_id}\\n")
    return context.task_id

@task
async def wait_for_ever() -> None:
    await asyncio.Event().wait()
"""


@pytest.fixture
def start(lonely: Server, start_service: StartService, tmp_path: Path) -> Callable[..., Service]:
    (tmp_path / "stopping_tasks.py").write_text(HANDLERS)
    asyncio.run(migrate(lonely.url()))
    psql(lonely, "truncate rowbell.tasks cascade")

    def start(**settings: str) -> Service:
        service = start_service("worker", lonely.url(), handlers="stopping_tasks", **settings)
        service.wait_for("service.ready")
        return service

    return start


def psql(server: Server, statement: str) -> str:
    command = [server.binaries / "psql", server.url(), "-XqAt", "-c", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("restarts", [False, True], ids=["calm", "while PostgreSQL restarts"])
def test_what_was_done_before_the_end_is_written_before_the_end(
    lonely: Server, start: Callable[..., Service], tmp_path: Path, restarts: bool
) -> None:
    """Pitfall 38: whatever a handler has returned when the process ends is COMPLETED."""
    service = start(slots="40")
    done = tmp_path / "done"
    psql(
        lonely,
        "insert into rowbell.tasks (kind, payload) select 'note_and_return',"
        f" to_jsonb('{done}'::text) from generate_series(1, 3000)",
    )
    service.wait_for("task.completed")
    service.process.send_signal(signal.SIGTERM)
    if restarts:
        lonely.stop()
        lonely.start()
    assert service.stop() == 0
    ran = {int(line) for line in done.read_text().split()}
    rows = psql(lonely, "select id, status, failures + crashes from rowbell.tasks").split()
    completed = {int(row.split("|")[0]) for row in rows if "|COMPLETED|" in row}
    assert 0 < len(completed) < 3000
    assert completed == ran
    assert {row.partition("|")[2] for row in rows} == {"COMPLETED|0", "PENDING|0"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_ends_what_still_runs_at_once_and_releases_it(
    lonely: Server, start: Callable[..., Service], number: int
) -> None:
    """Pitfall 39: impatience costs no failure, no lost outcome, and no wait for a lease."""
    service = start(drain_seconds="60")
    psql(
        lonely, "insert into rowbell.tasks (kind) select 'wait_for_ever' from generate_series(1, 9)"
    )
    until_running(lonely, 9)
    for _ in range(3):
        service.process.send_signal(number)
        service.wait_for("worker.draining")
    assert service.stop(number) == 0
    left = "select distinct status, failures, crashes, worker is null from rowbell.tasks"
    assert psql(lonely, left) == "PENDING|0|0|t"


def until_running(server: Server, wanted: int) -> None:
    until = time.monotonic() + DEADLINE_SECONDS
    running = "select count(*) from rowbell.tasks where status = 'PROCESSING'"
    while psql(server, running) != str(wanted):
        assert time.monotonic() < until
        time.sleep(0.05)  # each question is a process


def test_drain_does_not_wait_for_a_server_that_is_silent_and_says_why(
    lonely: Server, start: Callable[..., Service], figure: Callable[[str, float, float], None]
) -> None:
    """Pitfall 38: what cannot be written is left to others, within seconds and with a reason."""
    service = start(drain_seconds="1")
    psql(lonely, "insert into rowbell.tasks (kind) values ('wait_for_ever')")
    until_running(lonely, 1)
    with lonely.frozen():
        began = time.monotonic()
        assert service.stop() == 0
        seconds = time.monotonic() - began
    figure("a drain beside a server that is silent", seconds, 20)
    assert "did not answer" in service.wait_for("worker.cut_off", tasks=1)["reason"]
    assert service.events[-1]["event"] == "service.stopped"
