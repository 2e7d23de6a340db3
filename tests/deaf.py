"""Clients that subscribe to taskAdded with large payloads, and never read a byte after that."""

import asyncio
import socket
from urllib.parse import urlsplit

import orjson

QUERY = "subscription { taskAdded { id payload } }"
FLOOD = """
insert into rowbell.tasks (kind, queue, payload)
select 'echo', '{queue}', to_jsonb(array(select md5(i::text) from generate_series(1, 1500) i))
from generate_series(1, {rows}) i
"""
"""51 KB a row, each the same: more than the buffers of a connection hold."""

_UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: %b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
_POST = (
    b"POST /graphql HTTP/1.1\r\nHost: %b\r\nAccept: text/event-stream\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
)


async def deaf_socket(address: str) -> socket.socket:
    """A WebSocket."""
    raw = await _connected(address)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(raw, _UPGRADE % urlsplit(address).netloc.encode())
    assert (await loop.sock_recv(raw, 4096)).startswith(b"HTTP/1.1 101")
    for message in (
        {"type": "connection_init"},
        {"type": "subscribe", "id": "1", "payload": {"query": QUERY}},
    ):
        await loop.sock_sendall(raw, _frame(orjson.dumps(message)))
    return raw


async def deaf_stream(address: str) -> socket.socket:
    """A stream of server-sent events."""
    raw = await _connected(address)
    body = orjson.dumps({"query": QUERY})
    request = _POST % (urlsplit(address).netloc.encode(), len(body), body)
    await asyncio.get_running_loop().sock_sendall(raw, request)
    return raw


async def _connected(address: str) -> socket.socket:
    place = urlsplit(address)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, (place.hostname, place.port))
    return raw


def _frame(text: bytes) -> bytes:
    """A text frame with a mask of zeros."""
    return b"\x81" + bytes([0x80 | len(text)]) + bytes(4) + text
