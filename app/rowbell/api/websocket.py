"""GraphQL over WebSocket: one Socket for each connection, one task for each operation on it."""

import asyncio
from contextlib import suppress
from typing import Any

import orjson
from graphql import DocumentNode, ExecutionResult, OperationType
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from rowbell.api import answers, frames
from rowbell.api.admission import Admission
from rowbell.api.frames import SUBPROTOCOL, Closing, Gone, Message
from rowbell.api.operations import Operations, Results
from rowbell.api.requests import BadRequest, GraphQLRequest
from rowbell.errors import Forbidden, RowbellError, Unauthenticated, Unavailable


async def serve(websocket: WebSocket, operations: Operations) -> None:
    """Serve one client until it leaves or breaks the protocol."""
    if not _is_of_this_site(websocket):
        problem = BadRequest(
            "a page of another site may not connect.", hint="Connect from a page of this host."
        )
        await websocket.send_denial_response(JSONResponse(answers.of_failure(problem), 403))
        return
    if SUBPROTOCOL not in websocket.scope["subprotocols"]:
        await websocket.accept()
        await websocket.close(4406, f"Subprotocol not acceptable: use {SUBPROTOCOL}")
        return
    await websocket.accept(subprotocol=SUBPROTOCOL)
    await Socket(websocket, operations).run()


def _is_of_this_site(websocket: WebSocket) -> bool:
    # Browsers let any page open a WebSocket anywhere, and tell only by this header.
    origin = websocket.headers.get("origin")
    return origin is None or origin.partition("://")[2] == websocket.headers.get("host")


class Socket:
    """A connection that speaks graphql-transport-ws."""

    def __init__(self, websocket: WebSocket, operations: Operations) -> None:
        self._websocket = websocket
        self._operations = operations
        self._limits = operations.limits
        self._running: dict[str, asyncio.Task[None]] = {}
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        """Read until the end; then every operation is cancelled and awaited, whatever the cause."""
        end: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                admission = await self._welcome()
                group.create_task(self._operations.gate.stay(admission))
                await self._converse(group)
        except* (Closing, Gone) as ends:
            end = ends.exceptions[0]
        if isinstance(end, Closing):
            await self._close(end)

    async def _welcome(self) -> Admission:
        """Wait for connection_init. Raises Closing, Gone."""
        try:
            async with asyncio.timeout(self._limits.init_seconds):
                admission = None
                while admission is None:
                    admission = await self._answer_before_init(await self._receive())
                return admission
        except TimeoutError:
            raise Closing(4408, "Connection initialisation timeout") from None

    async def _answer_before_init(self, message: Message) -> Admission | None:
        if message.type == "connection_init":
            admission = await self._admit(message)
            await self._send({"type": "connection_ack"})
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
            message = await self._receive()
            match message.type:
                case "connection_init":
                    raise Closing(4429, "Too many initialisation requests")
                case "ping":
                    await self._pong(message)
                case "subscribe":
                    await self._subscribe(group, message)
                case "complete":
                    self._complete(message.id)

    async def _subscribe(self, group: asyncio.TaskGroup, message: Message) -> None:
        if message.id in self._running:
            raise Closing(4409, f"Subscriber for {message.id[:60]} already exists")
        if len(self._running) >= self._limits.operations:
            await self._fail(message.id, TooManyOperations(self._limits.operations))
        elif message.request is not None:
            task = group.create_task(self._operate(message.id, message.request))
            self._running[message.id] = task
            task.add_done_callback(lambda done: self._forget(message.id, done))

    def _complete(self, operation_id: str) -> None:
        # The id is free at once; the operation under it has nothing more to say.
        task = self._running.pop(operation_id, None)
        if task is not None:
            task.cancel()

    def _forget(self, operation_id: str, task: asyncio.Task[None]) -> None:
        if self._running.get(operation_id) is task:
            del self._running[operation_id]

    async def _operate(self, operation_id: str, request: GraphQLRequest) -> None:
        try:
            document = self._operations.document(request)
            if await self._carry_out(operation_id, request, document):
                self._free(operation_id)
                await self._send({"type": "complete", "id": operation_id})
        except (Closing, Gone):
            raise
        except Exception as failure:  # noqa: BLE001 - whatever it was, the client hears of it
            await self._fail(operation_id, failure)

    async def _carry_out(
        self, operation_id: str, request: GraphQLRequest, document: DocumentNode
    ) -> bool:
        """False if it was refused, which the client has been told."""
        kind = self._operations.operation_type(request, document)
        if kind == OperationType.SUBSCRIPTION:
            outcome = await self._operations.subscribe(request, document, self._websocket)
        else:
            outcome = await self._operations.execute(request, document, self._websocket)
        if not isinstance(outcome, ExecutionResult):
            await self._stream(operation_id, outcome)
        elif answers.is_refused(outcome) or kind == OperationType.SUBSCRIPTION:
            await self._send_errors(operation_id, answers.of_result(outcome))
            return False
        else:
            await self._send_next(operation_id, outcome)
        return True

    async def _stream(self, operation_id: str, results: Results) -> None:
        try:
            async for result in results:
                await self._send_next(operation_id, result)
        finally:
            # Not left to the garbage collector: the subscription ends now, also when the client
            # has vanished in the middle of a send.
            await results.aclose()

    async def _send_next(self, operation_id: str, result: ExecutionResult) -> None:
        payload = answers.of_result(result)
        await self._send({"type": "next", "id": operation_id, "payload": payload})

    async def _fail(self, operation_id: str, failure: Exception) -> None:
        await self._send_errors(operation_id, answers.of_failure(failure))

    async def _send_errors(self, operation_id: str, answer: answers.Answer) -> None:
        self._free(operation_id)
        await self._send({"type": "error", "id": operation_id, "payload": answer["errors"]})

    def _free(self, operation_id: str) -> None:
        """Before its last message: the client may use the id again as soon as it has read that."""
        if self._running.get(operation_id) is asyncio.current_task():
            del self._running[operation_id]

    async def _pong(self, ping: Message) -> None:
        message: dict[str, Any] = {"type": "pong"}
        if ping.payload is not None:
            message["payload"] = ping.payload
        await self._send(message)

    async def _receive(self) -> Message:
        """Raises Closing, Gone."""
        event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise Gone
        text = event.get("text")
        if text is not None and len(text) > self._limits.body_bytes:
            raise Closing(1009, f"Message too large: {self._limits.body_bytes} bytes are the most")
        return frames.read(text)

    async def _send(self, message: dict[str, Any]) -> None:
        """Raises Closing if the client does not read what it is sent, Gone."""
        try:
            text = orjson.dumps(message).decode()
            async with asyncio.timeout(self._limits.send_seconds), self._sending:
                await self._websocket.send_text(text)
        except TimeoutError:
            raise Closing(1013, "The client reads too slowly") from None
        except orjson.JSONEncodeError:
            raise Closing(4400, "Invalid message: the payload is nested too deeply") from None
        except (WebSocketDisconnect, RuntimeError):
            raise Gone from None

    async def _close(self, closing: Closing) -> None:
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(self._limits.send_seconds):
                await self._websocket.close(closing.code, closing.reason)


class TooManyOperations(RowbellError):
    """A client has begun more operations on one socket than it may."""

    code = "RATE_LIMITED"
    status = 429

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{most} operations are under way on this connection, which is the most.",
            hint="Complete one first, or open another connection.",
        )
