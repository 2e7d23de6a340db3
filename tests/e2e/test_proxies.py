"""The proxies of docs/deployment.md, as the page says but for TLS, in front of a service."""

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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from rowbell.db.embedded.place import Place

from e2e.pages import block
from e2e.service import Service

PAGE = "docs/deployment.md"
EVENTS = {"accept": "text/event-stream"}


class Leaver:
    """A second process behind the proxy: it is ready, and then it is gone."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Ready)
        self.address = f"127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def leave(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


def nginx(folder: Path, port: int, upstreams: list[str]) -> list[str | Path]:
    """Its command; the configuration is saved in the folder."""
    program = program_of("nginx", "nginx-light")
    text = re.sub(r" +ssl_certificate.*\n", "", block(PAGE, "rowbell.conf"))
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    text = _between(text, upstreams)
    kept = " ".join(
        f"{what}_temp_path {folder / what};"
        for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"pid {folder / 'pid'};\nevents {{}}\nhttp {{ access_log off; {kept}\n{text}\n}}\n"
    )
    return [program, "-c", folder / "nginx.conf", "-e", folder / "log", "-g", "daemon off;"]


def caddy(folder: Path, port: int, upstreams: list[str]) -> list[str | Path]:
    """Its command; the configuration is saved in the folder."""
    program = program_of("caddy", "caddy")
    text = block(PAGE, "Caddyfile").replace("tasks.example.com", f"http://127.0.0.1:{port}")
    text = _between(text, upstreams)
    text = text.replace("{\n", "{\n\tadmin off\n", 1)  # all would listen on the same port
    (folder / "Caddyfile").write_text(text)
    return [program, "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]


def _between(text: str, upstreams: list[str]) -> str:
    first, second = upstreams
    return text.replace("127.0.0.1:8000", first).replace("127.0.0.1:8001", second)


def program_of(name: str, package: str) -> Path:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if not found:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return Path(found)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("home")
    service = Service("serve", home=home)
    yield service
    service.stop()
    shutil.rmtree(Place.of(home).folder)


@pytest.fixture
def leaver() -> Iterator[Leaver]:
    leaver = Leaver()
    yield leaver
    leaver.leave()


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def proxied(
    request: pytest.FixtureRequest, tmp_path: Path, service: Service, leaver: Leaver
) -> Iterator[str]:
    """The address of a proxy in front of a service, and of a second one that has just left."""
    port = free_port()
    upstreams = [service.address.removeprefix("http://"), leaver.address]
    command = request.param(tmp_path, port, upstreams)
    process = subprocess.Popen(
        command,
        env={**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        leaver.leave()
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until, "the proxy does not listen"
            time.sleep(0.02)
        else:
            return


async def test_process_that_has_just_left_costs_no_request_without_a_body(proxied: str) -> None:
    async with httpx.AsyncClient(base_url=f"http://{proxied}", timeout=20) as client:
        answers = [await client.get("/readyz") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}


async def test_streams_and_sockets_go_through_the_proxy_of_the_page_unbuffered(
    proxied: str,
) -> None:
    added = {"query": "subscription { taskAdded { description } }"}
    create = {"query": 'mutation { createTask(input: {description: "x"}) { id } }'}
    async with asyncio.timeout(30):
        await until_settled(proxied)
    async with (
        asyncio.timeout(30),
        httpx.AsyncClient(base_url=f"http://{proxied}", timeout=20) as client,
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


async def until_settled(address: str) -> None:
    """The proxy has found out that the second process is gone: a body is not sent again."""
    answered = 0
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=20) as client:
        while answered < 20:
            answer = await client.post("/graphql", json={"query": "{ __typename }"})
            answered = answered + 1 if answer.status_code == 200 else 0


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


def test_the_probes_of_the_manifest_are_answered(service: Service) -> None:
    manifest = block(PAGE, "deployment.yaml")
    probes = re.findall(r"(\w+)Probe: {httpGet: {path: (\S+), port: 8000}", manifest)
    assert [name for name, _ in probes] == ["liveness", "readiness"]
    for _, path in probes:
        assert httpx.get(f"{service.address}{path}").status_code == 200
