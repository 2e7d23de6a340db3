"""`--processes N`: several workers under one command, and processes for handlers under each."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from deadline import DEADLINE_SECONDS
from e2e.service import Service

HANDLERS = """
import os, time
from pathlib import Path
from rowbell import task

@task
def wait_a_little() -> int:
    time.sleep(1)
    return os.getpid()

@task
async def wait_for_ever() -> None:
    import asyncio
    await asyncio.Event().wait()

@task(runs_in="process")
def stay(payload: str) -> None:
    Path(payload).write_text(str(os.getpid()))
    time.sleep(300)

@task(runs_in="process", max_attempts=1)
def finish(payload: str) -> str:
    Path(payload).write_text(str(os.getpid()))
    time.sleep(1)
    return "done"
"""

Start = Callable[..., Service]


@pytest.fixture
def start(home: Path, tmp_path: Path) -> Iterator[Start]:
    (tmp_path / "crew_tasks.py").write_text(HANDLERS)
    started: list[Service] = []

    def start(*arguments: str, **env: str) -> Service:
        options = {"handlers": "crew_tasks", "sweep_seconds": "0.2", **env}
        started.append(Service(*arguments, home=home, modules=tmp_path, **options))
        return started[-1]

    yield start
    for each in started:
        each.stop(signal.SIGKILL)
        gone(*members(each))
        gone(*(int(p.read_text()) for p in tmp_path.glob("noted*")))


def members(service: Service) -> list[int]:
    return [e["process"] for e in list(service.events) if e.get("event") == "process.started"]


def workers(service: Service, number: int) -> list[int]:
    """Wait for so many workers that work; their processes."""

    def started() -> int:
        return sum(event.get("event") == "worker.started" for event in list(service.events))

    until(lambda: started() >= number, f"no {number} workers:\n{service.log()}")
    return members(service)


def until(holds: Callable[[], Any], words: str = "it never came") -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, words
        time.sleep(0.02)


def is_alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(*processes: int) -> None:
    until(lambda: not any(map(is_alive, processes)), f"{processes} stay")


def insert(service: Service, kind: str, payload: str = "{}") -> int:
    return int(
        service.psql(
            f"insert into rowbell.tasks (kind, payload) values ('{kind}', '{payload}') returning id"
        )
    )


def noted(folder: Path) -> tuple[Path, Callable[[], int]]:
    """Where a handler notes its process, and how to wait for it."""
    path = folder / "noted"

    def process() -> int:
        until(lambda: path.exists() and path.read_text())
        return int(path.read_text())

    return path, process


@contextmanager
def keeper(start: Start) -> Iterator[Service]:
    """Keeps the embedded database running, to look into when the other is gone."""
    service = start("api")
    service.wait_for("service.ready")
    yield service
    assert service.stop() == 0


def address(service: Service) -> str:
    until(lambda: any(e.get("address") for e in list(service.events)))
    return str(next(e["address"] for e in service.events if e.get("address")))


def test_serve_with_two_processes_has_an_api_and_two_workers(start: Start) -> None:
    service = start("serve", "--processes", "2")
    assert "2 processes, 100 slots each" in service.greeting()
    assert len(workers(service, 2)) == 2
    assert httpx.get(f"{address(service)}/readyz").status_code == 200
    for _ in range(4):
        insert(service, "wait_a_little")
    service.psql_until("select count(*) from rowbell.tasks where status = 'COMPLETED'", "4")
    assert service.stop() == 0
    gone(*members(service))
    assert sum(e.get("event") == "embedded.stopped" for e in service.events) >= 1


def test_worker_that_dies_is_replaced_and_its_task_runs_again(start: Start) -> None:
    service = start("worker", "--processes", "2", "--drain-seconds", "0", lease_seconds="3")
    service.greeting()
    task = insert(service, "wait_for_ever")
    service.psql_until(f"select status from rowbell.tasks where id = {task}", "PROCESSING")
    ran = int(
        service.psql(
            "select w.process from rowbell.tasks t join rowbell.workers w on w.id = t.worker"
        )
    )
    assert ran in workers(service, 2)
    os.kill(ran, signal.SIGKILL)
    died = service.wait_for("process.died")
    assert (died["process"], "SIGKILL" in died["reason"]) == (ran, True)
    until(lambda: len(members(service)) == 3)
    service.psql_until(
        f"select status, attempt, crashes from rowbell.tasks where id = {task}", "PROCESSING|2|1"
    )
    assert service.stop(signal.SIGINT) == 0
    gone(*members(service))


def test_sigterm_lets_every_member_finish_and_exits_with_zero(start: Start) -> None:
    with keeper(start) as other:
        service = start("worker", "--processes", "2")
        service.greeting()
        for _ in range(4):
            insert(other, "wait_a_little")
        other.psql_until("select count(*) from rowbell.tasks where status = 'PROCESSING'", "4")
        assert service.stop() == 0
        gone(*members(service))
        assert other.psql("select distinct status from rowbell.tasks") == "COMPLETED"


def test_second_signal_ends_what_still_runs_in_every_member(start: Start) -> None:
    with keeper(start) as other:
        service = start("worker", "--processes", "2", drain_seconds="60")
        service.greeting()
        task = insert(other, "wait_for_ever")
        other.psql_until(f"select status from rowbell.tasks where id = {task}", "PROCESSING")
        service.process.send_signal(signal.SIGTERM)
        service.wait_for("worker.draining", attempts=1)
        assert service.stop() == 0
        assert other.psql("select status, failures from rowbell.tasks") == "PENDING|0"


def test_signal_to_every_process_at_once_is_one_drain(start: Start, tmp_path: Path) -> None:
    """As systemd sends it to a control group: crew, members and processes of handlers."""
    path, process = noted(tmp_path)
    with keeper(start) as other:
        service = start("worker", "--processes", "2")
        service.greeting()
        insert(other, "finish", f'"{path}"')
        for each in (process(), *workers(service, 2), service.process.pid):
            os.kill(each, signal.SIGTERM)
        assert service.stop(0) == 0
        assert other.psql("select status, result from rowbell.tasks") == 'COMPLETED|"done"'


def test_ctrl_c_of_a_terminal_lets_handlers_in_processes_finish(
    start: Start, tmp_path: Path
) -> None:
    path, process = noted(tmp_path)
    with keeper(start) as other:
        service = start("worker")
        service.greeting()
        insert(other, "finish", f'"{path}"')
        process()
        os.killpg(service.process.pid, signal.SIGINT)
        assert service.process.wait(DEADLINE_SECONDS) == 0
        gone(process())
        assert other.psql("select status, result from rowbell.tasks") == 'COMPLETED|"done"'


def test_drain_kills_what_does_not_finish_and_leaves_no_process(
    start: Start, tmp_path: Path
) -> None:
    path, process = noted(tmp_path)
    with keeper(start) as other:
        service = start("worker", "--drain-seconds", "0.1")
        service.greeting()
        insert(other, "stay", f'"{path}"')
        stays = process()
        assert service.stop() == 0
        assert not is_alive(stays)
        assert other.psql("select status, failures from rowbell.tasks") == "PENDING|0"


def test_killed_worker_leaves_no_process_of_its_handlers(start: Start, tmp_path: Path) -> None:
    path, process = noted(tmp_path)
    with keeper(start) as other:
        service = start("worker")
        service.greeting()
        insert(other, "stay", f'"{path}"')
        stays = process()
        service.kill()
        gone(stays)


def test_members_of_a_killed_crew_drain_and_end(start: Start) -> None:
    with keeper(start) as other:
        service = start("worker", "--processes", "2")
        service.greeting()
        processes = workers(service, 2)
        task = insert(other, "wait_a_little")
        other.psql_until(f"select status from rowbell.tasks where id = {task}", "PROCESSING")
        service.process.kill()
        gone(*processes)
        assert other.psql("select status, crashes from rowbell.tasks") == "COMPLETED|0"


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_wrong_handler_module_ends_the_crew_with_two_and_is_told_once(
    start: Start, command: str
) -> None:
    service = start(command, "--processes", "3", handlers="no_such_module")
    assert service.process.wait(DEADLINE_SECONDS) == 2
    service.stop()
    said = [event for event in service.events if "'no_such_module' cannot be" in str(event)]
    assert len(said) == 1
