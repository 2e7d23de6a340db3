"""GraphQL over Server-Sent Events, distinct connections mode: one request, one stream.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import orjson
from graphql import ExecutionResult, OperationType
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from rowbell.api import answers
from rowbell.api.auth import admission_of
from rowbell.api.connections import abort
from rowbell.api.context import payer_of
from rowbell.api.frames import Closing
from rowbell.api.limits import TooManySockets
from rowbell.api.operations import Operations, Prepared
from rowbell.api.pages import SecurityHeaders
from rowbell.errors import RowbellError, Unauthenticated

HEAD = {
    **SecurityHeaders.HEADERS,
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-store",
    "X-Accel-Buffering": "no",  # nginx would keep events back until it has a page of them
    "Vary": "Accept, Origin",
}
COMPLETE = b"event: complete\ndata:\n\n"
PING = b":\n\n"


class EventStream:
    """The ASGI application that answers one request; of an answer it makes one event."""

    def __init__(
        self,
        operations: Operations,
        request: Request,
        headers: Mapping[str, str],
        content: Prepared | answers.Answer,
    ) -> None:
        self._operations = operations
        self._limits = operations.limits
        self._request = request
        self._headers = {**HEAD, **headers}
        self._content = content
        self._leaving = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._operations.lobby.guest(payer_of(self._request), self._leaving.set):
                await self._head(send, 200)
                await self._serve(receive, send)
        except RowbellError as error:  # the lobby has no place
            await self._refuse(error, send)
        except TimeoutError:
            abort(scope)  # the client reads nothing; what waits for it would wait for ever
            await _gone(receive)

    async def _serve(self, receive: Receive, send: Send) -> None:
        """Until the operation has ended, the client has left, or the process drains."""
        telling = asyncio.create_task(self._tell(send), name="stream")
        others = [
            asyncio.create_task(_gone(receive), name="stream gone"),
            asyncio.create_task(self._drained(), name="stream drained"),
            asyncio.create_task(self._dismissed(send), name="stream dismissed"),
        ]
        try:
            await asyncio.wait([telling, *others], return_when=asyncio.FIRST_COMPLETED)
            if not telling.done():
                telling.cancel()
                await asyncio.wait([telling])
            if not others[0].done():
                await self._end(telling, send)
        finally:
            for task in (telling, *others):
                task.cancel()
            await asyncio.gather(telling, *others, return_exceptions=True)

    async def _end(self, telling: "asyncio.Task[None]", send: Send) -> None:
        if not telling.cancelled():
            telling.result()
        await self._send(send, COMPLETE)
        await send({"type": "http.response.body", "body": b""})

    async def _tell(self, send: Send) -> None:
        """Each answer as an event, and a comment when there is nothing to say for a while."""
        async with aclosing(self._answers()) as told:
            following = anext(told, None)
            while True:
                waiting = asyncio.ensure_future(following)
                try:
                    while not (await asyncio.wait([waiting], timeout=self._limits.ping_seconds))[0]:
                        await self._send(send, PING)
                finally:
                    if not waiting.done():
                        waiting.cancel()
                        await asyncio.wait([waiting])
                answer = waiting.result()
                if answer is None:
                    return
                await self._send(send, b"event: next\ndata: " + orjson.dumps(answer) + b"\n\n")
                following = anext(told, None)

    async def _answers(self) -> AsyncGenerator[answers.Answer, None]:
        if isinstance(self._content, dict):
            yield self._content
            return
        try:
            async for result in self._results(self._content):
                yield answers.of_result(result)
        except Exception as failure:  # noqa: BLE001 - whatever it was, the client hears of it
            yield answers.of_failure(failure)

    async def _results(self, prepared: Prepared) -> AsyncGenerator[ExecutionResult, None]:
        if prepared.kind != OperationType.SUBSCRIPTION:
            yield await self._operations.execute(prepared, self._request)
            return
        started = await self._operations.subscribe(prepared, self._request)
        if isinstance(started, ExecutionResult):
            yield started
            return
        async with aclosing(started):
            async for result in started:
                yield result

    async def _drained(self) -> None:
        """A query or a mutation is carried to its end; a subscription would have none."""
        if isinstance(self._content, dict) or self._content.kind != OperationType.SUBSCRIPTION:
            await asyncio.get_running_loop().create_future()
        await self._leaving.wait()

    async def _dismissed(self, send: Send) -> None:
        """Once the credentials are no longer good."""
        try:
            await self._operations.gate.stay(admission_of(self._request))
        except Closing as reason:
            failure = answers.of_failure(Unauthenticated(reason.reason))
            await self._send(send, b"event: next\ndata: " + orjson.dumps(failure) + b"\n\n")

    async def _head(self, send: Send, status: int, **changed: str) -> None:
        headers = {**self._headers, **changed}
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})

    async def _send(self, send: Send, event: bytes) -> None:
        """Raises TimeoutError if the client does not read."""
        async with asyncio.timeout(self._limits.send_seconds):
            await send({"type": "http.response.body", "body": event, "more_body": True})

    async def _refuse(self, error: RowbellError, send: Send) -> None:
        headers = {"Content-Type": "application/json; charset=utf-8", "Retry-After": "1"}
        if isinstance(error, TooManySockets):
            del headers["Retry-After"]
        await self._head(send, error.status, **headers)
        body: Any = orjson.dumps(answers.of_failure(error))
        await send({"type": "http.response.body", "body": body})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
