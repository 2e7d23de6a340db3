"""The whole service on real input: from an empty home to every task COMPLETED exactly once."""

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from e2e.service import Service

README = Path(__file__).parents[2] / "README.md"

HANDLERS = """
import asyncio
from typing import Any
from rowbell import Context, task

@task
async def write_effect(context: Context) -> None:
    async with context.transaction() as tx:
        await tx.execute("insert into effects (task) values ($1)", context.task_id)

@task
async def wait_for_go(context: Context) -> int:
    if context.attempt == 1:
        await asyncio.Event().wait()
    return context.attempt
"""


class Flaky(BaseHTTPRequestHandler):
    """Fails twice, then answers."""

    calls: ClassVar[int] = 0

    def do_GET(self) -> None:
        type(self).calls += 1
        failing = type(self).calls <= 2
        body = b"" if failing else b'{"hello": "world"}'
        self.send_response(503 if failing else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def flaky_url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Flaky)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """A folder with the handler module of the README, as written there, and one of the test's."""
    folder = tmp_path / "modules"
    folder.mkdir()
    shown = re.search(r"```python\n# (\w+)\.py\n(.*?)```", README.read_text(), re.DOTALL)
    assert shown, "the README shows no handler module"
    (folder / f"{shown[1]}.py").write_text(shown[2])
    (folder / "e2e_tasks.py").write_text(HANDLERS)
    return folder


@pytest.fixture
def service(home: Path, modules: Path) -> Iterator[Service]:
    service = Service(
        "serve",
        home=home,
        modules=modules,
        handlers="acme_tasks e2e_tasks",
        queues="default copied",
        lease_seconds="3",
        sweep_seconds="0.5",
        http_allow="127.0.0.1",
    )
    yield service
    service.stop()


def graphql(service: Service, document: str, **variables: Any) -> Any:
    answer = httpx.post(
        f"{service.address}/graphql", json={"query": document, "variables": variables}
    ).json()
    assert "errors" not in answer, answer
    return answer["data"]


def test_real_input_from_an_empty_home(service: Service, flaky_url: str, modules: Path) -> None:
    address = service.address
    service.psql("create table effects (task bigint)")

    insert_by_psql(service)
    create_by_graphql(service)
    call_a_flaky_server(service, flaky_url)
    run_the_readmes_handler(service)
    survive_a_restart_of_postgresql(service)
    survive_a_killed_worker(service, modules)

    service.psql_until("select count(*) from rowbell.tasks where finished_at is null", "0")
    assert service.psql("select status, count(*) from rowbell.tasks group by 1 order by 1") == (
        f"COMPLETED|{3 + 10_000 + 1_000 + 2 + 1 + 1 + 1_000 + 1}"
    )
    assert service.psql("select count(*), count(distinct task) from effects") == "2003|2003"
    assert httpx.get(f"{address}/readyz").status_code == 200
    assert service.stop() == 0


def insert_by_psql(service: Service) -> None:
    for _ in range(3):
        service.psql("insert into rowbell.tasks (kind) values ('write_effect')")
    service.psql("insert into rowbell.tasks (kind) select 'echo' from generate_series(1, 10000)")
    service.psql(
        "copy rowbell.tasks (kind, queue) from stdin", text="write_effect\tcopied\n" * 1_000
    )


def create_by_graphql(service: Service) -> None:
    created = graphql(
        service,
        "mutation CreateTask($input: TaskInput!) { createTask(input: $input) { id status } }",
        input={"description": "x"},
    )["createTask"]
    service.wait_for("task.completed", task=int(created["id"]))
    status = "query GetTaskStatus($id: ID!) { task(id: $id) { id status } }"
    assert graphql(service, status, id=created["id"])["task"]["status"] == "COMPLETED"
    graphql(
        service,
        'mutation { createTask(input: {description: "second"}) { id } }',
    )


def call_a_flaky_server(service: Service, url: str) -> None:
    payload = json.dumps({"url": url})
    task = service.psql(
        "insert into rowbell.tasks (kind, payload)"
        f" values ('http_request', '{payload}') returning id"
    )
    service.wait_for("task.completed", task=int(task))
    row = service.psql(f"select failures, result -> 'body' from rowbell.tasks where id = {task}")
    assert row == '2|{"hello": "world"}'


def run_the_readmes_handler(service: Service) -> None:
    shown = re.search(r"insert into rowbell\.tasks[^;`]*'report_render'[^;`]*;", README.read_text())
    assert shown, "the README shows no INSERT for its handler"
    service.psql(shown[0])
    service.wait_for("task.completed", kind="report_render")


def survive_a_restart_of_postgresql(service: Service) -> None:
    service.psql(
        "insert into rowbell.tasks (kind) select 'write_effect' from generate_series(1, 1000)"
    )
    data = Path(service.psql("show data_directory"))
    postmaster = int((data / "postmaster.pid").read_text().splitlines()[0])
    seen = len(service.events)
    os.kill(postmaster, signal.SIGINT)  # fast shutdown: the service starts it again
    service.wait_for("embedded.started", since=seen)
    service.psql_until("select count(*) from rowbell.tasks where finished_at is null", "0")


def survive_a_killed_worker(service: Service, modules: Path) -> None:
    insert = (
        "insert into rowbell.tasks (kind, queue) values ('wait_for_go', 'fragile') returning id"
    )
    task = int(service.psql(insert))
    doomed = fragile_worker(service, modules)
    doomed.wait_for("task.claimed", task=task)
    worker = doomed.wait_for("worker.started")["worker"]
    doomed.kill()
    heir = fragile_worker(service, modules)
    service.psql_until(
        f"select status, attempt, crashes from rowbell.tasks where id = {task}", "COMPLETED|2|1"
    )
    log = service.events + heir.events
    assert any(e.get("event") == "sweep.rescued" and e["worker"] == worker for e in log)
    assert heir.stop() == 0


def fragile_worker(service: Service, modules: Path) -> Service:
    return Service(
        "worker",
        home=Path(service.environment["ROWBELL_HOME"]),
        modules=modules,
        handlers="e2e_tasks",
        queues="fragile",
        lease_seconds="3",
        sweep_seconds="0.5",
        log_level="debug",
    )
