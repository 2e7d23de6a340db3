"""GraphQL over Server-Sent Events, distinct connections mode: one request, one stream.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from graphql import OperationType
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from rowbell.api import answers
from rowbell.api.auth import admission_of
from rowbell.api.connections import abort
from rowbell.api.context import payer_of
from rowbell.api.execution import as_event
from rowbell.api.frames import Closing
from rowbell.api.limits import TooManySockets
from rowbell.api.lines import StreamLine
from rowbell.api.operations import Operations, Prepared
from rowbell.api.outbox import Deaf
from rowbell.api.pages import SecurityHeaders
from rowbell.api.subscribing import Subscription
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
        self._line = StreamLine(request.scope)
        self._leaving = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._operations.lobby.guest(payer_of(self._request), self._leaving.set):
                await self._head(send, 200)
                await self._serve(receive, send)
        except RowbellError as error:  # the lobby has no place
            await self._refuse(error, send)
        except Deaf:
            abort(scope)  # the client reads nothing; what waits for it would wait for ever
            await _gone(receive)

    async def _serve(self, receive: Receive, send: Send) -> None:
        """Until the operation has ended, the client has left, or the process drains."""
        telling = asyncio.create_task(self._tell(send), name="stream")
        gone = asyncio.create_task(_gone(receive), name="stream gone")
        others = [
            gone,
            asyncio.create_task(self._keep_alive(send), name="stream kept alive"),
            asyncio.create_task(self._drained(), name="stream drained"),
            asyncio.create_task(self._dismissed(send), name="stream dismissed"),
        ]
        try:
            await asyncio.wait([telling, *others], return_when=asyncio.FIRST_COMPLETED)
            if not telling.done():
                telling.cancel()
                await asyncio.wait([telling])
            if not gone.done():
                await self._end([telling, *others], send)
        finally:
            for task in (telling, *others):
                task.cancel()
            await asyncio.gather(telling, *others, return_exceptions=True)

    async def _end(self, tasks: "list[asyncio.Task[None]]", send: Send) -> None:
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()  # raises Deaf: nothing more can be said
        await self._send(send, COMPLETE)
        await send({"type": "http.response.body", "body": b""})

    async def _tell(self, send: Send) -> None:
        try:
            await self._carry_out(send)
        except Deaf:
            raise
        except Exception as failure:  # noqa: BLE001 - whatever it was, the client hears of it
            await self._answer(answers.of_failure(failure), send)

    async def _carry_out(self, send: Send) -> None:
        if isinstance(self._content, dict):
            await self._answer(self._content, send)
            return
        if self._content.kind != OperationType.SUBSCRIPTION:
            result = await self._operations.execute(self._content, self._request)
        else:
            started = await self._operations.subscribe(self._content, self._request)
            if isinstance(started, Subscription):
                await started.run(self._line)
                return
            result = started
        await self._answer(answers.of_result(result), send)

    async def _answer(self, answer: answers.Answer, send: Send) -> None:
        await self._send(send, as_event(orjson.dumps(answer)))

    async def _keep_alive(self, send: Send) -> None:
        """A comment when there was nothing to say for a while. Raises Deaf.

        A client that leaves unread even that little is found by the next one.
        """
        unread = 0
        while True:
            self._line.is_quiet = True
            await asyncio.sleep(self._limits.ping_seconds)
            if unread and self._line.unread >= unread:
                raise Deaf
            unread = self._line.unread
            if self._line.is_quiet:
                await self._send(send, PING)

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
            await self._answer(failure, send)

    async def _head(self, send: Send, status: int, **changed: str) -> None:
        headers = {**self._headers, **changed}
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})

    async def _send(self, send: Send, event: bytes) -> None:
        """Raises Deaf."""
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await send({"type": "http.response.body", "body": event, "more_body": True})
        except TimeoutError:
            raise Deaf from None

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
