"""GraphQL over WebSocket: one Socket for each connection, one task for each operation on it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from graphql import ExecutionResult, OperationType
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from rowbell.api import answers, frames
from rowbell.api.admission import Admission
from rowbell.api.connections import abort
from rowbell.api.context import payer_of
from rowbell.api.frames import SUBPROTOCOL, Closing, Gone, Message
from rowbell.api.limits import Draining, TooManyOperations, TooManySockets
from rowbell.api.operations import MANY_BYTES, Operations, Prepared, Results
from rowbell.api.origins import Origins
from rowbell.api.requests import GraphQLRequest
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
        self._limits = operations.limits
        self._running: dict[str, asyncio.Task[None]] = {}
        self._subscriptions: set[asyncio.Task[None]] = set()
        self._leaving = asyncio.Event()
        self._sending = asyncio.Lock()
        self._deaf = False

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
            await self._close(end)

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
        while working := set(self._running.values()) - self._subscriptions:
            await asyncio.wait(working)
        raise Closing(1012, "Service restart")

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
                case "subscribe" if not self._leaving.is_set():
                    await self._subscribe(group, message)
                case "complete":
                    self._complete(message.id)

    async def _subscribe(self, group: asyncio.TaskGroup, message: Message) -> None:
        if message.id in self._running:
            raise Closing(4409, f"Subscriber for {message.id[:60]} already exists")
        if len(self._running) >= self._limits.operations:
            await self._fail(message.id, _too_many(self._limits.operations))
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
            self._operations.rates.spend(payer_of(self._websocket))
            prepared = await self._operations.prepare(request)
            if await self._carry_out(operation_id, prepared):
                self._free(operation_id)
                await self._send({"type": "complete", "id": operation_id})
        except (Closing, Gone):
            raise
        except Exception as failure:  # noqa: BLE001 - whatever it was, the client hears of it
            await self._fail(operation_id, failure)

    async def _carry_out(self, operation_id: str, prepared: Prepared) -> bool:
        """False if it was refused, which the client has been told."""
        subscribing = prepared.kind == OperationType.SUBSCRIPTION
        if subscribing:
            self._mark_as_subscription()
            outcome = await self._operations.subscribe(prepared, self._websocket)
        else:
            outcome = await self._operations.execute(prepared, self._websocket)
        if not isinstance(outcome, ExecutionResult):
            await self._stream(operation_id, outcome)
        elif answers.is_refused(outcome) or subscribing:
            await self._send_errors(operation_id, answers.of_result(outcome))
            return False
        else:
            await self._send_next(operation_id, outcome)
        return True

    def _mark_as_subscription(self) -> None:
        task = asyncio.current_task()
        if task:
            self._subscriptions.add(task)
            task.add_done_callback(self._subscriptions.discard)

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
        if text is not None and len(text) > self._limits.frame_bytes:
            raise Closing(1009, f"Message too large: {self._limits.frame_bytes} bytes are the most")
        if text is None or len(text) < MANY_BYTES:
            return frames.read(text)
        async with self._operations.turns.turn():
            return frames.read(text)

    async def _send(self, message: dict[str, Any]) -> None:
        """Raises Closing if the client does not read what it is sent, Gone."""
        try:
            text = orjson.dumps(message).decode()
            async with asyncio.timeout(self._limits.send_seconds), self._sending:
                await self._websocket.send_text(text)
        except TimeoutError:
            self._deaf = True
            raise Closing(1013, "The client reads too slowly") from None
        except orjson.JSONEncodeError:
            raise Closing(4400, "Invalid message: the payload is nested too deeply") from None
        except (WebSocketDisconnect, RuntimeError):
            raise Gone from None

    async def _close(self, closing: Closing) -> None:
        if closing.code == 1013 and self._deaf:
            abort(self._websocket.scope)  # a close frame would wait behind what is not read
            return
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await self._websocket.close(closing.code, closing.reason)
        except TimeoutError:
            abort(self._websocket.scope)
        except (WebSocketDisconnect, RuntimeError):
            return


def _too_many(most: int) -> TooManyOperations:
    return TooManyOperations(
        f"{most} operations are under way on this connection, which is the most.",
        hint="Complete one first, or open another connection.",
    )
