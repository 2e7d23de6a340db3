"""The API on a real port, with a watch that hears the database as the runtime would have it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Self

import asyncpg
import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rowbell.api.asgi import create_app
from rowbell.api.auth import Gate
from rowbell.api.limits import Limits
from rowbell.api.lobby import Lobby
from rowbell.api.server import Server
from rowbell.api.subscriptions import Watch
from rowbell.config import Settings
from rowbell.db.pool import Database

from deadline import DEADLINE_SECONDS

WATCH_LOCK = "select pg_advisory_lock(1919907682, 2)"


@dataclass
class Served:
    """`connection` is what another application would have; `unready` is what /readyz will say."""

    address: str
    database: Database
    watch: Watch
    connection: asyncpg.Connection
    http: httpx.AsyncClient
    server: Server
    lobby: Lobby
    unready: str | None = None
    watched: asyncio.Event = field(default_factory=asyncio.Event)
    unwatched: asyncio.Event = field(default_factory=asyncio.Event)

    def on_watching(self, watching: bool) -> None:
        (self.watched if watching else self.unwatched).set()
        (self.unwatched if watching else self.watched).clear()

    async def ask(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The whole answer to a POST."""
        response = await self.http.post("/graphql", json={"query": query, "variables": variables})
        answer: dict[str, Any] = orjson.loads(response.content)
        return answer

    async def data(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The data of an answer without errors."""
        answer = await self.ask(query, variables)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def error(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The only error of an answer."""
        answer = await self.ask(query, variables)
        assert len(answer.get("errors", [])) == 1, answer
        error: dict[str, Any] = answer["errors"][0]
        return error

    async def insert(self, **columns: Any) -> int:
        """Insert a task by SQL; returns its id."""
        columns = {"kind": "echo", **columns}
        places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
        task: int = await self.connection.fetchval(
            f"insert into rowbell.tasks ({', '.join(columns)}) values ({places}) returning id",
            *columns.values(),
        )
        return task

    async def register_worker(self, *kinds: str) -> int:
        known = orjson.dumps(
            [{"name": kind, "description": "", "max_attempts": 5} for kind in kinds]
        ).decode()
        worker: int = await self.connection.fetchval(
            "select rowbell.register_worker('here', 1, '0', '{*}', 10, 60, $1::text::jsonb)", known
        )
        return worker

    async def claim(self, *kinds: str) -> tuple[int, int]:
        """Begin an attempt at a task of the queue default; returns its id and attempt."""
        kinds = kinds or ("echo",)
        worker = await self.register_worker(*kinds)
        row = await self.connection.fetchrow(
            "select id, attempt from rowbell.claim('default', $1, 1, $2)", worker, list(kinds)
        )
        return row["id"], row["attempt"]

    async def complete(self, task: int, attempt: int, result: str = '"done"') -> None:
        await self.connection.execute(
            "select rowbell.complete($1, $2, $3)", [task], [attempt], [result]
        )

    @contextlib.asynccontextmanager
    async def socket(self, *, initialised: bool = True, **options: Any) -> AsyncIterator["Client"]:
        """A client that speaks graphql-transport-ws."""
        options = {"subprotocols": ["graphql-transport-ws"], **options}
        address = self.address.replace("http", "ws", 1) + "/graphql"
        async with connect(address, **options) as websocket:
            client = Client(websocket)
            if initialised:
                await client.initialise()
            yield client


@dataclass
class Client:
    websocket: ClientConnection

    async def initialise(self) -> Self:
        await self.send({"type": "connection_init"})
        assert await self.receive() == {"type": "connection_ack"}
        return self

    async def send(self, message: object) -> None:
        await self.websocket.send(orjson.dumps(message).decode())

    async def subscribe(
        self, query: str, variables: dict[str, Any] | None = None, *, id: str = "1"
    ) -> None:
        payload = {"query": query, "variables": variables}
        await self.send({"id": id, "type": "subscribe", "payload": payload})

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE_SECONDS):
            message: dict[str, Any] = orjson.loads(await self.websocket.recv())
        return message

    async def data(self) -> dict[str, Any]:
        """The data of a `next` message."""
        message = await self.receive()
        assert message["type"] == "next", message
        data: dict[str, Any] = message["payload"]["data"]
        return data

    async def closed(self) -> tuple[int | None, str | None]:
        """Code and reason, once the server has closed."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.websocket.recv()
        return self.websocket.close_code, self.websocket.close_reason


async def until(condition: Callable[[], bool]) -> None:
    """For what no event tells: asked again and again, up to the deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def serving(
    database_url: str,
    *,
    limits: Limits | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> AsyncIterator[Served]:
    """`options` are those of create_app."""
    async with contextlib.AsyncExitStack() as stack:
        database = await Database.open(database_url, name="rowbell tests")
        stack.push_async_callback(database.close)
        connection = await asyncpg.connect(database_url)
        stack.push_async_callback(connection.close)
        watch = Watch(database)
        gate = Gate(database, settings or Settings.load({}))
        await gate.prepare()
        await _listen(database_url, watch, gate, stack)
        bound = stack.enter_context(socket.socket())
        bound.bind(("127.0.0.1", 0))
        app = create_app(
            database, watch, gate, readiness=lambda: served.unready, limits=limits, **options
        )
        server = Server(app, bound)
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=server.address, timeout=DEADLINE_SECONDS)
        )
        served = Served(server.address, database, watch, connection, http, server, app.state.lobby)
        watch.on_watching = served.on_watching
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(watch.run())
            group.create_task(server.run())
            guarding = group.create_task(gate.run())
            await server.ready.wait()
            yield served
            await http.aclose()
            await server.close()
            looking.cancel()
            guarding.cancel()


async def _listen(
    database_url: str, watch: Watch, gate: Gate, stack: contextlib.AsyncExitStack
) -> None:
    listening = await asyncpg.connect(database_url)
    stack.push_async_callback(listening.close)
    await listening.add_listener("rowbell_changes", lambda *_: watch.changed())
    await listening.add_listener("rowbell_tokens", lambda *_: gate.changed())
    await listening.execute(WATCH_LOCK)
