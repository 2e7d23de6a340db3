"""GraphQL over WebSocket: who is let in, what is said, and how it ends."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from rowbell.api import answers
from rowbell.api.admission import Admission
from rowbell.api.context import payer_of
from rowbell.api.frames import SUBPROTOCOL, Closing, Gone, Message
from rowbell.api.limits import Draining, TooManySockets
from rowbell.api.operations import Operations
from rowbell.api.origins import Origins
from rowbell.api.socket_operations import SocketOperations
from rowbell.api.wire import Wire
from rowbell.errors import Forbidden, RowbellError, Unauthenticated, Unavailable


async def serve(websocket: WebSocket, operations: Operations, origins: Origins) -> None:
    """Serve one client until it leaves, breaks the protocol, or the process drains."""
    try:
        origins.check(websocket)
        if operations.lobby.draining:
            raise Draining("this process is about to end.", hint="Connect again in a second.")
    except RowbellError as problem:
        denial = JSONResponse(answers.of_failure(problem), problem.status)
        await websocket.send_denial_response(denial)
        return
    if SUBPROTOCOL not in websocket.scope["subprotocols"]:
        await websocket.accept()
        await websocket.close(4406, f"Subprotocol not acceptable: use {SUBPROTOCOL}")
        return
    await websocket.accept(subprotocol=SUBPROTOCOL)
    await Socket(websocket, operations).run()


class Socket:
    """A connection that speaks graphql-transport-ws."""

    def __init__(self, websocket: WebSocket, operations: Operations) -> None:
        self._websocket = websocket
        self._operations = operations
        self._wire = Wire(websocket, operations)
        self._running = SocketOperations(websocket, self._wire, operations)
        self._leaving = asyncio.Event()

    async def run(self) -> None:
        """Read until the end; then every operation is cancelled and awaited, whatever the cause."""
        end: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                admission = await self._welcome()
                with self._entered():
                    group.create_task(self._operations.gate.stay(admission), name="socket stay")
                    group.create_task(self._leave(), name="socket leave")
                    await self._converse(group)
        except* (Closing, Gone) as ends:
            end = ends.exceptions[0]
        if isinstance(end, Closing):
            await self._wire.close(end)

    @contextmanager
    def _entered(self) -> Iterator[None]:
        """Raises Closing with a code after which clients try again later."""
        lobby = self._operations.lobby
        try:
            with lobby.guest(payer_of(self._websocket), self._leaving.set):
                yield
        except (TooManySockets, Draining) as error:
            code = 1012 if isinstance(error, Draining) else 1013
            raise Closing(code, error.message) from None

    async def _leave(self) -> None:
        """Once the process drains: queries and mutations end, then the client is sent away.

        Raises Closing.
        """
        await self._leaving.wait()
        await self._running.finished()
        raise Closing(1012, "Service restart")

    async def _welcome(self) -> Admission:
        """Wait for connection_init. Raises Closing, Gone."""
        try:
            # Not all at once: those who came together would be sent away in one turn of the loop.
            patience = self._operations.limits.init_seconds * random.uniform(1, 1.2)  # noqa: S311
            async with asyncio.timeout(patience):
                admission = None
                while admission is None:
                    admission = await self._answer_before_init(await self._wire.receive())
                return admission
        except TimeoutError:
            raise Closing(4408, "Connection initialisation timeout") from None

    async def _answer_before_init(self, message: Message) -> Admission | None:
        if message.type == "connection_init":
            admission = await self._admit(message)
            await self._wire.send({"type": "connection_ack"})
            return admission
        if message.type == "subscribe":
            raise Closing(4401, "Unauthorized: send connection_init first")
        if message.type == "ping":
            await self._pong(message)
        return None

    async def _admit(self, message: Message) -> Admission:
        """Raises Closing."""
        try:
            return await self._operations.gate.admit(self._websocket, message.payload)
        except (Unauthenticated, Forbidden) as refusal:
            raise Closing(4403, f"Forbidden: {refusal.message}") from None
        except Unavailable:
            raise Closing(1013, "PostgreSQL is not available: try again") from None

    async def _converse(self, group: asyncio.TaskGroup) -> None:
        """Raises Closing or Gone in the end."""
        while True:
            message = await self._wire.receive()
            match message.type:
                case "connection_init":
                    raise Closing(4429, "Too many initialisation requests")
                case "ping":
                    await self._pong(message)
                case "subscribe" if not self._leaving.is_set():
                    await self._running.begin(group, message)
                case "complete":
                    self._running.complete(message.id)

    async def _pong(self, ping: Message) -> None:
        message: dict[str, Any] = {"type": "pong"}
        if ping.payload is not None:
            message["payload"] = ping.payload
        await self._wire.send(message)
