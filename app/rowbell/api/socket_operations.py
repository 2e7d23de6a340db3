"""The operations of one WebSocket, each a task of its own under the id that the client gave it."""

import asyncio

from graphql import ExecutionResult, OperationType
from starlette.websockets import WebSocket

from rowbell.api import answers
from rowbell.api.context import payer_of
from rowbell.api.frames import Closing, Gone, Message
from rowbell.api.limits import TooManyOperations
from rowbell.api.lines import SocketLine
from rowbell.api.operations import Operations, Prepared
from rowbell.api.outbox import Deaf
from rowbell.api.requests import GraphQLRequest
from rowbell.api.wire import Wire


class SocketOperations:
    """Those that are under way, by their ids."""

    def __init__(self, websocket: WebSocket, wire: Wire, operations: Operations) -> None:
        self._websocket = websocket
        self._wire = wire
        self._operations = operations
        self._most = operations.limits.operations
        self._running: dict[str, asyncio.Task[None]] = {}
        self._lines: dict[asyncio.Task[None], SocketLine] = {}
        """Of those that are subscriptions."""

    async def begin(self, group: asyncio.TaskGroup, message: Message) -> None:
        """Carry out what a message subscribes to. Raises Closing if its id is taken."""
        if message.id in self._running:
            raise Closing(4409, f"Subscriber for {message.id[:60]} already exists")
        if len(self._running) >= self._most:
            await self._fail(message.id, _too_many(self._most))
        elif message.request is not None:
            task = group.create_task(self._operate(message.id, message.request))
            self._running[message.id] = task
            task.add_done_callback(lambda done: self._forget(message.id, done))

    def complete(self, operation_id: str) -> None:
        """The client wants no more of it: the id is free at once."""
        task = self._running.pop(operation_id, None)
        if task is not None:
            task.cancel()
            if task in self._lines:
                self._lines[task].cut()

    async def finished(self) -> None:
        """Wait for queries and mutations; subscriptions would have no end."""
        while working := set(self._running.values()) - self._lines.keys():
            await asyncio.wait(working)

    async def _operate(self, operation_id: str, request: GraphQLRequest) -> None:
        try:
            self._operations.rates.spend(payer_of(self._websocket))
            prepared = await self._operations.prepare(request)
            if await self._carry_out(operation_id, prepared):
                self._free(operation_id)
                await self._wire.send({"type": "complete", "id": operation_id})
        except (Closing, Gone):
            raise
        except Deaf:
            raise self._wire.deaf() from None
        except Exception as failure:  # noqa: BLE001 - whatever it was, the client hears of it
            await self._fail(operation_id, failure)

    async def _carry_out(self, operation_id: str, prepared: Prepared) -> bool:
        """False if it was refused, which the client has been told."""
        if prepared.kind == OperationType.SUBSCRIPTION:
            return await self._subscribe(operation_id, prepared)
        result = await self._operations.execute(prepared, self._websocket)
        answer = answers.of_result(result)
        if answers.is_refused(result):
            await self._send_errors(operation_id, answer)
            return False
        await self._wire.send({"type": "next", "id": operation_id, "payload": answer})
        return True

    async def _subscribe(self, operation_id: str, prepared: Prepared) -> bool:
        line = self._line(operation_id)
        accepted = await self._operations.subscribe(prepared, self._websocket)
        if isinstance(accepted, ExecutionResult):
            await self._send_errors(operation_id, answers.of_result(accepted))
            return False
        await accepted.run(line)
        return True

    def _line(self, operation_id: str) -> SocketLine:
        line = SocketLine(self._websocket.scope, operation_id)
        task = asyncio.current_task()
        if task:
            self._lines[task] = line
            task.add_done_callback(self._lines.pop)
        return line

    async def _fail(self, operation_id: str, failure: Exception) -> None:
        await self._send_errors(operation_id, answers.of_failure(failure))

    async def _send_errors(self, operation_id: str, answer: answers.Answer) -> None:
        self._free(operation_id)
        await self._wire.send({"type": "error", "id": operation_id, "payload": answer["errors"]})

    def _free(self, operation_id: str) -> None:
        """Before its last message: the client may use the id again as soon as it has read that."""
        if self._running.get(operation_id) is asyncio.current_task():
            del self._running[operation_id]

    def _forget(self, operation_id: str, task: asyncio.Task[None]) -> None:
        if self._running.get(operation_id) is task:
            del self._running[operation_id]


def _too_many(most: int) -> TooManyOperations:
    return TooManyOperations(
        f"{most} operations are under way on this connection, which is the most.",
        hint="Complete one first, or open another connection.",
    )
