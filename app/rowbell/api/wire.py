"""Messages to and from one client of graphql-transport-ws, each within its limits."""

import asyncio
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from rowbell.api import frames
from rowbell.api.connections import abort
from rowbell.api.frames import Closing, Gone, Message
from rowbell.api.operations import MANY_BYTES, Operations


class Wire:
    """An accepted WebSocket."""

    def __init__(self, websocket: WebSocket, operations: Operations) -> None:
        self._websocket = websocket
        self._limits = operations.limits
        self._turns = operations.turns
        self._sending = asyncio.Lock()
        self._is_deaf = False

    async def receive(self) -> Message:
        """Raises Closing, Gone."""
        event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise Gone
        text = event.get("text")
        if text is not None and len(text) > self._limits.frame_bytes:
            raise Closing(1009, f"Message too large: {self._limits.frame_bytes} bytes are the most")
        if text is None or len(text) < MANY_BYTES:
            return frames.read(text)
        async with self._turns.turn():
            return frames.read(text)

    async def send(self, message: dict[str, Any]) -> None:
        """Raises Closing if the client does not read what it is sent, Gone."""
        try:
            text = orjson.dumps(message).decode()
            async with asyncio.timeout(self._limits.send_seconds), self._sending:
                await self._websocket.send_text(text)
        except TimeoutError:
            raise self.deaf() from None
        except orjson.JSONEncodeError:
            raise Closing(4400, "Invalid message: the payload is nested too deeply") from None
        except (WebSocketDisconnect, RuntimeError):
            raise Gone from None

    def deaf(self) -> Closing:
        """The end of a client that does not read what it is sent."""
        self._is_deaf = True
        return Closing(1013, "The client reads too slowly")

    async def close(self, closing: Closing) -> None:
        """Say why, unless the client would not read that either."""
        if self._is_deaf:
            abort(self._websocket.scope)  # a close frame would wait behind what is not read
            return
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await self._websocket.close(closing.code, closing.reason)
        except TimeoutError:
            abort(self._websocket.scope)
        except (WebSocketDisconnect, RuntimeError):
            return
