"""Subscribers that cost next to nothing: a bare protocol that counts frames."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson

_INIT = {"type": "connection_init"}
_NEXT = b'"type":"next"'
_EVENT = b"event: next"
_TEXT, _PING, _PONG = 0x81, 0x89, 0x8A


class Ear(asyncio.Protocol):
    """One socket with one subscription; `heard` is called with the time of each frame."""

    def __init__(self, host: str, query: str, variables: object, heard: Callable[[float], None]):
        self.ready = asyncio.get_running_loop().create_future()
        self._host = host
        self._subscribe = {
            "type": "subscribe",
            "id": "1",
            "payload": {"query": query, "variables": variables},
        }
        self._heard = heard
        self._rest = b""
        """The beginning of a mark, whose end has not arrived yet."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(
            f"GET /graphql HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if self.ready.done():
            for _ in range((self._rest + data).count(_NEXT)):
                self._heard(now)
            self._rest = (self._rest + data)[1 - len(_NEXT) :]
            if data[0] == _PING:
                self.transport.write(_frame(data[2 : 2 + data[1]], _PONG))
        elif b"HTTP/1.1 101" in data:
            self.transport.write(_frame(orjson.dumps(_INIT)))
        elif b"connection_ack" in data:
            self.transport.write(_frame(orjson.dumps(self._subscribe)))
            self.ready.set_result(None)

    def connection_lost(self, _: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("the service hung up"))


class StreamEar(asyncio.Protocol):
    """One stream of server-sent events."""

    def __init__(self, host: str, query: str, variables: object, heard: Callable[[float], None]):
        self.ready = asyncio.get_running_loop().create_future()
        self._host = host
        self._body = orjson.dumps({"query": query, "variables": variables})
        self._heard = heard
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(
            f"POST /graphql HTTP/1.1\r\nHost: {self._host}\r\nAccept: text/event-stream\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(self._body)}\r\n\r\n".encode()
            + self._body
        )

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        for _ in range((self._rest + data).count(_EVENT)):
            self._heard(now)
        self._rest = (self._rest + data)[1 - len(_EVENT) :]
        if not self.ready.done():
            self.ready.set_result(None)

    def connection_lost(self, _: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("the service hung up"))


def _frame(text: bytes, kind: int = _TEXT) -> bytes:
    """A frame with a mask of zeros."""
    if len(text) < 126:
        return bytes([kind, 0x80 | len(text)]) + bytes(4) + text
    return bytes([kind, 0xFE]) + len(text).to_bytes(2, "big") + bytes(4) + text


async def listen(
    address: str,
    query: str,
    heard: Callable[[float], None],
    variables: object = None,
    *,
    sort: type[Ear] | type[StreamEar] = Ear,
) -> Ear | StreamEar:
    """Connect and subscribe."""
    place = urlsplit(address)
    _, ear = await asyncio.get_running_loop().create_connection(
        lambda: sort(place.netloc, query, variables, heard), place.hostname, place.port
    )
    async with asyncio.timeout(60):
        await ear.ready
    return ear
