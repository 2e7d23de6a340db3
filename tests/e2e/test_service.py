"""`rowbell serve` as its operator meets it: starting, stopping, sharing, being installed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from rowbell.db.embedded import psql_path
from rowbell.runtime import HANG_SECONDS

from deadline import DEADLINE_SECONDS
from e2e.service import ROWBELL, Service

HANDLERS = """
import asyncio, time
from rowbell import task

@task
async def wait_for_ever() -> None:
    await asyncio.Event().wait()

@task
async def wait_a_little() -> str:
    await asyncio.sleep(0.5)
    return "done"

@task
async def ignore_cancellation() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

@task
def block_for_ever() -> None:
    while True:
        time.sleep(1)
"""


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    (tmp_path / "waiting_tasks.py").write_text(HANDLERS)
    return tmp_path


@pytest.fixture
def service(home: Path, modules: Path) -> Iterator[Service]:
    service = Service(
        "serve",
        home=home,
        modules=modules,
        handlers="waiting_tasks",
        drain_seconds="2",
        log_level="debug",
    )
    service.wait_for("service.ready")
    yield service
    service.stop()


def insert(service: Service, kind: str) -> int:
    return int(service.psql(f"insert into rowbell.tasks (kind) values ('{kind}') returning id"))


def rows(service: Service) -> str:
    """What became of the tasks, asked after the service has stopped."""
    done = subprocess.run(
        [ROWBELL, "psql", "--", "-XqAt", "-c",
         "select kind, status, failures, crashes, worker is null from rowbell.tasks order by kind"],
        env=service.environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_sigterm_lets_work_finish_and_releases_the_rest_and_exits_with_zero(
    service: Service,
) -> None:
    for kind in ("wait_for_ever", "wait_a_little"):
        service.wait_for("task.claimed", task=insert(service, kind))
    assert service.stop(signal.SIGTERM) == 0
    assert rows(service) == "wait_a_little|COMPLETED|0|0|f\nwait_for_ever|PENDING|0|0|t"
    assert service.events[-1]["event"] == "service.stopped"


def test_a_drain_answers_the_clients_that_wait_for_a_task(service: Service) -> None:
    execute = """mutation { executeTask(input: {kind: "%s"}, waitSeconds: 60) { status result } }"""

    def ask(kind: str) -> object:
        request = {"query": execute % kind}
        answer = httpx.post(f"{service.address}/graphql", json=request, timeout=DEADLINE_SECONDS)
        return answer.json()["data"]["executeTask"]

    with ThreadPoolExecutor() as clients:
        never = clients.submit(ask, "wait_for_ever")
        soon = clients.submit(ask, "wait_a_little")
        service.wait_for("task.claimed", kind="wait_for_ever")
        service.wait_for("task.claimed", kind="wait_a_little")
        assert service.stop() == 0
        assert soon.result() == {"status": "COMPLETED", "result": "done"}
        assert never.result() == {"status": "PENDING", "result": None}


def test_thread_that_never_ends_does_not_keep_the_process(service: Service) -> None:
    service.wait_for("task.claimed", task=insert(service, "block_for_ever"))
    assert service.stop() == 0
    assert rows(service) == "block_for_ever|PENDING|0|0|t"


def test_handler_that_ignores_its_cancellation_does_not_keep_the_process(
    service: Service, home: Path
) -> None:
    service.wait_for("task.claimed", task=insert(service, "ignore_cancellation"))
    assert service.stop() == 1
    assert "1 handlers ignore their cancellation" in service.events[-1]["reason"]
    heir = Service("worker", home=home, sweep_seconds="0.2")
    heir.wait_for("sweep.rescued", tasks=1)
    heir.stop()


def test_one_process_uses_five_connections_at_the_most(service: Service) -> None:
    for _ in range(20):
        insert(service, "wait_a_little")
        httpx.post(f"{service.address}/graphql", json={"query": "{ tasks { nodes { id } } }"})
    service.psql_until("select count(*) from rowbell.tasks where finished_at is null", "0")
    counted = "select count(*) from pg_stat_activity where application_name like 'rowbell%'"
    assert 3 <= int(service.psql(counted)) <= 5


def test_server_that_takes_long_to_stop_is_waited_for(service: Service, home: Path) -> None:
    pid_file = Path(service.wait_for("embedded.started")["data"]) / "postmaster.pid"
    postmaster = int(pid_file.read_text().split("\n")[0])
    os.kill(postmaster, signal.SIGSTOP)
    try:
        service.process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            service.process.wait(HANG_SECONDS + 2)
    finally:
        os.kill(postmaster, signal.SIGCONT)
    assert service.stop() == 0
    assert service.events[-1] == service.wait_for("service.stopped") | {"level": "info"}


def test_signal_during_a_start_that_has_to_wait_ends_it(service: Service, home: Path) -> None:
    locker = subprocess.Popen(
        [psql_path(), service.url, "-Xq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert locker.stdin and locker.stdout
    locker.stdin.write("begin;\nlock table rowbell.schema_files;\n\\echo locked\n")
    locker.stdin.flush()
    assert locker.stdout.readline() == "locked\n"
    second = Service("worker", home=home)
    second.wait_for("embedded.joined")
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    service.psql_until(waiting, "1")
    assert second.stop() == 0
    locker.communicate("rollback;\n", timeout=DEADLINE_SECONDS)
    assert second.events[-1]["event"] == "service.stopped"


def test_readiness_tells_that_the_service_drains(service: Service) -> None:
    service.wait_for("task.claimed", task=insert(service, "wait_for_ever"))
    assert httpx.get(f"{service.address}/readyz").status_code == 200
    service.process.send_signal(signal.SIGTERM)
    service.wait_for("worker.draining")
    answer = httpx.get(f"{service.address}/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert httpx.get(f"{service.address}/healthz").status_code == 200


def test_greeting_names_server_page_endpoint_and_a_line_that_works(service: Service) -> None:
    greeting = service.greeting()
    assert "PostgreSQL 18" in greeting
    assert f"{service.address}/graphql" in greeting
    (line,) = [line.strip() for line in greeting.splitlines() if "insert into" in line]
    done = subprocess.run(
        ["sh", "-c", line],
        env=service.environment,
        capture_output=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    service.wait_for("task.completed", kind="echo")


def test_eight_services_started_at_once_on_an_empty_home_all_come_up(home: Path) -> None:
    services = [Service("serve", home=home) for _ in range(8)]
    try:
        for each in services:
            assert httpx.get(f"{each.address}/readyz").status_code == 200
        assert sum(e.get("event") == "schema.migrated" for s in services for e in s.events) == 1
        assert services[0].psql("select count(*) from rowbell.worker_overview") == "8"
    finally:
        codes = [each.stop() for each in services]
    assert codes == [0] * 8


def test_taken_port_is_told_in_a_sentence(service: Service, home: Path) -> None:
    port = service.address.rpartition(":")[2]
    second = Service("serve", home=home, port=port)
    assert second.process.wait(DEADLINE_SECONDS) == 2
    second.stop()
    assert "ROWBELL_PORT" in second.log()


def test_wheel_works_outside_the_checkout(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", tmp_path, root], check=True)
    (wheel,) = tmp_path.glob("rowbell-*.whl")
    target = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target]
    subprocess.run([*install, wheel], check=True)
    code = "import rowbell, sys; sys.argv[0] = 'rowbell'; from rowbell.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "migrate", "--print", "--all"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=True,
    )
    assert "create table rowbell.tasks" in done.stdout
    for pages in ("graphiql", "dashboard"):
        ours, theirs = (folder / "rowbell" / "api" / pages for folder in (root / "app", target))
        assert _names(theirs) == _names(ours)
        assert "index.html" in _names(theirs)


def _names(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
