"""A WebSocket of graphql-transport-ws without a client library: many of them cost little."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
from websockets.asyncio.client import connect

Message = dict[str, Any]


@contextlib.asynccontextmanager
async def subscribed(
    address: str, query: str, variables: Message | None = None
) -> AsyncIterator[AsyncIterator[Message]]:
    """The messages of one subscription. Raises OSError, WebSocketException."""
    url = address.replace("http", "ws", 1) + "/graphql"
    payload = {"query": query, "variables": variables}
    async with connect(
        url, subprotocols=["graphql-transport-ws"], compression=None, close_timeout=1
    ) as socket:
        for message in (
            {"type": "connection_init"},
            {"type": "subscribe", "id": "1", "payload": payload},
        ):
            await socket.send(orjson.dumps(message).decode())
        yield _after_acknowledgement(socket)


async def _after_acknowledgement(socket: Any) -> AsyncIterator[Message]:
    async for text in socket:
        message: Message = orjson.loads(text)
        if message["type"] != "connection_ack":
            yield message
