"""A TCP line to a server of the tests that can go dark, and can be laid to another server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postgres import Server


class Line:
    """Dark, it closes nothing and carries nothing; what it was given arrives when it is lit."""

    def __init__(self, server: Server) -> None:
        self.server = server
        """Where connections made from now on lead to."""
        self.held = asyncio.Event()
        """Set once `hold` has caught what it waits for."""
        self.ended = asyncio.Event()
        """Set once a side has hung up."""
        self.passes_ends = asyncio.Event()
        """While it is clear, a side that has hung up seems to be there still."""
        self.passes_ends.set()
        self._awaited = b""
        self._there, self._back = asyncio.Event(), asyncio.Event()
        self._pipes: set[asyncio.Task[None]] = set()
        self._port = 0
        self.lit()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Line"]:
        listening = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self._port = listening.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            listening.close()
            for pipe in self._pipes:
                pipe.cancel()
            await asyncio.gather(*self._pipes, return_exceptions=True)

    def url(self, direct: str) -> str:
        """The way through this line to the database of a direct URL."""
        name = direct.partition("@/")[2].partition("?")[0]
        return f"postgresql://postgres@127.0.0.1:{self._port}/{name}"

    def dark(self, *, answers_only: bool = False) -> None:
        self._back.clear()
        if not answers_only:
            self._there.clear()

    def lit(self) -> None:
        self._awaited = b""
        self._there.set()
        self._back.set()

    def hold(self, text: str) -> None:
        """Go dark just before this text would pass towards the server."""
        self.held.clear()
        self._awaited = text.encode()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = str(self.server.folder / ".s.PGSQL.5432")
        try:
            there, back = await asyncio.open_unix_connection(path)
        except OSError:  # no server there now: what the kernel would answer
            writer.transport.abort()
            return
        for source, target, light in ((reader, back, self._there), (there, writer, self._back)):
            pipe = asyncio.create_task(self._carry(source, target, light))
            self._pipes.add(pipe)

    async def _carry(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, light: asyncio.Event
    ) -> None:
        try:
            while data := await source.read(65_536):
                if light is self._there and self._awaited and self._awaited in data:
                    self.dark()
                    self.held.set()
                await light.wait()
                target.write(data)
                await target.drain()
            self.ended.set()
            await self.passes_ends.wait()
            await light.wait()  # an end does not get through the dark either
        except ConnectionError:
            pass
        finally:
            target.close()
            with contextlib.suppress(ConnectionError):
                await target.wait_closed()
