"""The network between one worker and the server, which may go dark."""

import asyncio
from contextlib import suppress
from typing import Any

CHUNK = 65_536


class Proxy:
    """A TCP port on loopback that leads to a Unix socket, unless it is dark.

    Dark, it carries nothing and closes nothing, as a network does that drops every packet; what was
    under way arrives when it is light again.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._light = asyncio.Event()
        self._light.set()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def darken(self) -> None:
        self._light.clear()

    def lighten(self) -> None:
        self._light.set()

    async def close(self) -> None:
        if self._server:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._connect(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            await self._light.wait()
            from_server, to_server = await asyncio.open_unix_connection(self._target)
            writers.append(to_server)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, to_server))
                both.create_task(self._carry(from_server, writer))
        except* (OSError, EOFError):
            pass  # one side has hung up, so the other does
        finally:
            for each in writers:
                with suppress(OSError):
                    each.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        while chunk := await reader.read(CHUNK):
            await self._light.wait()
            if writer.is_closing():
                break
            writer.write(chunk)
            await writer.drain()
        await self._light.wait()  # also the news that a peer is gone travels by packet
        raise EOFError
