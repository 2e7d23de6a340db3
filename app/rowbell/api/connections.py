"""uvicorn's connections, held to deadlines: none waits for ever, and none is kept for nobody.

uvicorn closes a connection by `transport.close()`, which first waits until the peer has read what
is left. A peer that reads nothing keeps the connection, and its memory. What must end ends by
`transport.abort()` here.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

REQUEST_SECONDS = 15.0
"""From the first byte of a request to its last; the first must come as soon."""
LINGER_SECONDS = 10.0
"""How long a peer may read nothing of what is left for it."""
HEAD_BYTES = 65_536
"""The first line of a request and its headers."""
FRAGMENTS = 1_024
"""Of one message."""
CLOSE_SECONDS = 5.0
"""From our close frame to that of the peer."""

JOINED_BYTES = 16_384
"""Shorter writes are made one by copying; what is longer, and sent to many, stays shared."""

_CONNECTION = "rowbell.connection"


def connection_of(scope: Scope) -> Any:
    """What a request or a WebSocket came by."""
    return scope[_CONNECTION]


def abort(scope: Scope) -> None:
    """Hang up at once: what the peer has not read is dropped."""
    connection_of(scope).transport.abort()


class _Writing:
    """Writes of what is encoded already, past the ordinary way: it costs ten times as much."""

    transport: asyncio.Transport

    def write(self, parts: list[bytes]) -> None:
        """Never waits; what is written to a lost connection is lost."""
        if self.transport.is_closing():
            return
        if sum(map(len, parts)) < JOINED_BYTES:
            self.transport.write(b"".join(parts))
        else:
            self.transport.writelines(parts)


class HttpConnection(_Writing, HttpToolsProtocol):
    """One HTTP connection."""

    _deadline: asyncio.TimerHandle | None = None
    _lingering: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _reading_head = True

    @property
    def is_writable(self) -> bool:
        """False while the peer has yet to read what was written."""
        return not self.flow.write_paused

    async def until_writable(self) -> None:
        """Returns once it is, and once the connection is lost."""
        await self.flow.drain()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(None)
        if self._lingering:
            self._lingering.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._reading_head and self._head_bytes > HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[_CONNECTION] = self  # type: ignore[literal-required]
        self._expect()

    def on_headers_complete(self) -> None:
        self._reading_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._reading_head, self._head_bytes = True, 0
        self._expect(None)
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._expect(None)
        super().handle_websocket_upgrade()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_reader()

    def _expect(self, seconds: float | None = REQUEST_SECONDS) -> None:
        """The rest of a request by then; None: nothing."""
        if self._deadline:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self._give_up) if seconds else None

    def _give_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.abort()

    def _refuse(self, status: HTTPStatus) -> None:
        if self._reading_head and not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 %d %b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
                % (status, status.phrase.encode())
            )
        self.transport.close()
        self._watch_reader()

    def _watch_reader(self, left: int = 0) -> None:
        """Hang up if the peer has read nothing of what is left since the last look."""
        size = self.transport.get_write_buffer_size()
        if size and size == left:
            self.transport.abort()
        elif size:
            if self._lingering:
                self._lingering.cancel()
            self._lingering = self.loop.call_later(LINGER_SECONDS, self._watch_reader, size)


class WebSocketConnection(_Writing, WebSocketsSansIOProtocol):
    """One WebSocket."""

    @property
    def is_writable(self) -> bool:
        """False while the peer has yet to read what was written."""
        return self.writable.is_set()

    async def until_writable(self) -> None:
        """Returns once it is, and once the connection is lost."""
        await self.writable.wait()

    def write(self, parts: list[bytes]) -> None:
        if not self.close_sent:
            super().write(parts)

    async def run_asgi(self) -> None:
        self.scope[_CONNECTION] = self  # type: ignore[literal-required]
        await super().run_asgi()
        self._hang_up_soon()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.close":
            self._hang_up_soon()

    def shutdown(self) -> None:
        super().shutdown()
        self._hang_up_soon()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._hang_up_soon()

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._hang_up_soon()

    def handle_ping(self) -> None:
        if self.writable.is_set():  # else pongs would pile up for a peer that reads nothing
            super().handle_ping()
        else:
            self.transport.abort()

    def handle_cont(self, event: Any) -> None:
        if len(self.frames) >= FRAGMENTS:
            self.conn.fail(1009, "Too many fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def _hang_up_soon(self) -> None:
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
