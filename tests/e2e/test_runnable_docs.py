"""Pages about running Rowbell: what they say to type is typed, what they say to save is used.

A block whose first line says `run` is run, in the order of its page; `file=` and `unit=` are saved
beside it; `needs=` names a program without which it is left out.
"""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from rowbell.db.embedded import psql_path

from deadline import DEADLINE_SECONDS
from e2e.command_line import environment
from e2e.service import ROWBELL, Service
from postgres import Server, available

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL_SECONDS = 90
EVENTS = {"accept": "text/event-stream"}


@dataclass(frozen=True)
class Block:
    language: str
    marks: list[str]
    text: str

    def mark(self, name: str) -> str | None:
        return next((m.partition("=")[2] for m in self.marks if m.partition("=")[0] == name), None)


def blocks(page: str) -> list[Block]:
    found = BLOCK.findall((DOCS / page).read_text())
    return [Block(language, marks.split(), text) for language, marks, text in found]


def block(page: str, name: str) -> str:
    (text,) = [b.text for b in blocks(page) if name in (b.mark("file"), b.mark("unit"))]
    return text


class Machine:
    """A server, a folder, and the addresses that the pages speak of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = Server("packaged", available()["packaged"], "fsync = on")
        path = f"{ROWBELL.parent}:{self.server.binaries}:{os.environ['PATH']}"
        self.variables = environment(
            self.server.url("tasks", "rowbell_owner"),
            PATH=path,
            ADMIN_URL=self.server.url(),
            OWNER_URL=self.server.url("tasks", "rowbell_owner"),
            APP_URL=self.server.url("tasks", "rowbell_app"),
            RESTORED_URL=self.server.url("restored"),
            ROWBELL_HOME=str(folder / "home"),
            LC_ALL="C",
        )

    def read(self, page: str) -> int:
        """Run a page from its beginning; returns how many blocks were run."""
        done = 0
        for each in blocks(page):
            name = each.mark("file") or each.mark("unit")
            if name:
                text = each.text.replace("/opt/rowbell/bin/rowbell", str(ROWBELL))
                (self.folder / name).write_text(text)
            needs = each.mark("needs")
            if each.mark("run") is not None and (not needs or shutil.which(needs)):
                self.run(each)
                done += 1
        return done

    def run(self, each: Block) -> None:
        database = "tasks" if self.has_tasks() else "postgres"
        command = {
            "sh": ["bash", "-eu", "-o", "pipefail", "-c", each.text],
            "sql": [str(psql_path()), "-Xq", "-v", "ON_ERROR_STOP=1", self.server.url(database)],
        }[each.language]
        done = subprocess.run(
            command,
            input=each.text,
            env=self.variables,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=SHELL_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{each.text}\n{done.stdout}\n{done.stderr}"

    def has_tasks(self) -> bool:
        asked = [str(psql_path()), "-XqAt", self.server.url(), "-c"]
        question = "select count(*) from pg_database where datname = 'tasks'"
        answer = subprocess.run([*asked, question], capture_output=True, text=True, check=True)
        return answer.stdout.strip() == "1"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.server.remove()


def test_every_command_of_the_pages_does_what_it_says(machine: Machine) -> None:
    """In the order in which they are read: the others stand on the deployment."""
    assert machine.read("deployment.md") >= 3
    assert machine.read("security.md") >= 2
    assert machine.read("upgrade.md") >= 4


def test_a_service_of_kubernetes_is_named_at_the_start(tmp_path: Path) -> None:
    """What the page warns of: the variables of a Service that is named rowbell."""
    done = subprocess.run(
        [ROWBELL, "serve"],
        env=environment(ROWBELL_PORT="tcp://10.0.0.1:8000", ROWBELL_SERVICE_HOST="10.0.0.1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "ROWBELL_PORT:" in done.stderr
    assert "ROWBELL_SERVICE_HOST: there is no such setting" in done.stderr
    assert "enableServiceLinks: false" in block("deployment.md", "deployment.yaml")


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[str]:
    """nginx with the page's configuration, but for TLS, in front of a service; its address."""
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(nginx).exists():
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    service = Service("serve", home=tmp_path / "home")
    port = free_port()
    process = None
    try:
        text = block("deployment.md", "rowbell.conf")
        text = re.sub(r" +ssl_certificate.*\n", "", text)
        text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
        text = text.replace("127.0.0.1:8000", service.address.removeprefix("http://"))
        text = text.replace("    server 127.0.0.1:8001;\n", "")
        kept = " ".join(
            f"{what}_temp_path {tmp_path / what};"
            for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (tmp_path / "nginx.conf").write_text(
            f"pid {tmp_path / 'pid'};\nevents {{}}\nhttp {{ access_log off; {kept}\n{text}\n}}\n"
        )
        log = str(tmp_path / "log")
        foreground = ["-c", str(tmp_path / "nginx.conf"), "-e", log, "-g", "daemon off;"]
        process = subprocess.Popen([nginx, *foreground])
        wait_for(port)
        yield f"127.0.0.1:{port}"
    finally:
        if process:
            process.terminate()
            process.wait(DEADLINE_SECONDS)
        service.stop()


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def wait_for(port: int) -> None:
    until = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until, "nginx does not listen"
            time.sleep(0.02)
        else:
            return


async def test_streams_and_sockets_go_through_the_proxy_of_the_page_unbuffered(
    proxied: str,
) -> None:
    added = {"query": "subscription { taskAdded { description } }"}
    create = {"query": 'mutation { createTask(input: {description: "x"}) { id } }'}
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        httpx.AsyncClient(base_url=f"http://{proxied}", timeout=DEADLINE_SECONDS) as client,
        websocket(proxied) as socket_,
        client.stream("POST", "/graphql", json=added, headers=EVENTS) as stream,
    ):
        await socket_.send(json.dumps({"id": "1", "type": "subscribe", "payload": added}))
        lines = stream.aiter_lines()
        await anext(lines)  # it is open
        told = asyncio.gather(until_told(socket_), until_streamed(lines))
        while not told.done():  # a subscription needs a moment to stand
            assert (await client.post("/graphql", json=create)).status_code == 200
            await asyncio.wait([told], timeout=0.2)
        await told


async def until_told(socket_: ClientConnection) -> None:
    while json.loads(await socket_.recv())["type"] != "next":
        pass


async def until_streamed(lines: AsyncIterator[str]) -> None:
    async for line in lines:
        if '"description":"x"' in line.replace(" ", ""):
            return


@asynccontextmanager
async def websocket(address: str) -> AsyncIterator[ClientConnection]:
    """As a browser opens one, on a page of this address."""
    async with connect(
        f"ws://{address}/graphql",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        origin=Origin(f"http://{address}"),
    ) as opened:
        await opened.send('{"type": "connection_init"}')
        assert json.loads(await opened.recv())["type"] == "connection_ack"
        yield opened
