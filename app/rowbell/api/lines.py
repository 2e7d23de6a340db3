"""The two ways to a subscriber. Payloads are encoded by then: each costs a head and a write."""

from collections.abc import Sequence

import orjson
from starlette.types import Scope

from rowbell.api.connections import HttpConnection, WebSocketConnection, connection_of
from rowbell.api.execution import Payload

_FINAL_TEXT = 0x81


class SocketLine:
    """One subscription on a WebSocket: each payload is a message `next`."""

    def __init__(self, scope: Scope, operation_id: str) -> None:
        self._connection: WebSocketConnection = connection_of(scope)
        self._head = b'{"type":"next","id":%b,"payload":' % orjson.dumps(operation_id)
        self._is_cut = False

    @property
    def is_writable(self) -> bool:
        return self._connection.is_writable

    async def until_writable(self) -> None:
        await self._connection.until_writable()

    def cut(self) -> None:
        """The client wants no more of it, and may use the id for something else."""
        self._is_cut = True

    def write(self, payloads: Sequence[Payload]) -> None:
        if self._is_cut:
            return
        parts: list[bytes] = []
        for payload in payloads:
            size = len(self._head) + len(payload.tail)
            parts += (text_frame_head(size), self._head, payload.tail)
        self._connection.write(parts)


class StreamLine:
    """One subscription as server-sent events."""

    def __init__(self, scope: Scope) -> None:
        self._connection: HttpConnection = connection_of(scope)
        self._has_body = scope["method"] != "HEAD"
        self.is_quiet = True
        """Nothing was written since this was set."""

    @property
    def unread(self) -> int:
        """Bytes that the system has not taken yet, because the client does not read."""
        return self._connection.transport.get_write_buffer_size()

    @property
    def is_writable(self) -> bool:
        return self._connection.is_writable

    async def until_writable(self) -> None:
        await self._connection.until_writable()

    def write(self, payloads: Sequence[Payload]) -> None:
        self.is_quiet = False
        if self._has_body:
            self._connection.write([payload.chunk for payload in payloads])


def text_frame_head(size: int) -> bytes:
    """Of a message of so many bytes in one frame. A compressed connection takes plain ones, too."""
    if size < 126:
        return bytes((_FINAL_TEXT, size))
    if size < 65_536:
        return b"%c\x7e%b" % (_FINAL_TEXT, size.to_bytes(2, "big"))
    return b"%c\x7f%b" % (_FINAL_TEXT, size.to_bytes(8, "big"))
