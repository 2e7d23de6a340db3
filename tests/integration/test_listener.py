"""The listener: it hears, it notices silence, and it comes back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from rowbell.db.listener import BELL, Ears, Listener

from integration.conftest import soon, until_event
from postgres import Server


class Line:
    """A TCP line to a server's socket that can go dark: nothing is closed, nothing arrives."""

    def __init__(self, server: Server) -> None:
        self._socket = str(server.folder / ".s.PGSQL.5432")
        self.light = asyncio.Event()
        self.light.set()
        self._pipes: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """The port."""
        listening = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        try:
            yield listening.sockets[0].getsockname()[1]
        finally:
            listening.close()
            for pipe in self._pipes:
                pipe.cancel()
            await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._socket)
        for source, target in ((reader, back), (there, writer)):
            pipe = asyncio.create_task(self._carry(source, target))
            self._pipes.add(pipe)

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                await self.light.wait()
                target.write(data)
                await target.drain()
        except ConnectionError:
            pass
        finally:
            target.close()
            with contextlib.suppress(ConnectionError):
                await target.wait_closed()


@asynccontextmanager
async def listening(url: str, ears: Ears, probe_seconds: float = 0.5) -> AsyncIterator[Listener]:
    listener = Listener(url, probe_seconds, ears)
    running = asyncio.create_task(listener.run())
    try:
        await soon(listener.ready)
        yield listener
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_bell_is_heard_with_the_name_of_the_queue(
    database_url: str, connection: asyncpg.Connection
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with listening(database_url, Ears(bell=heard.put_nowait)):
        await connection.execute(
            "insert into rowbell.tasks (kind, queue) values ('echo', 'reports')"
        )
        assert await asyncio.wait_for(heard.get(), 5) == "reports"


async def test_silent_network_is_noticed_and_mended_without_help(
    server: Server, database_url: str, connection: asyncpg.Connection, events: list[Any]
) -> None:
    line, looks = Line(server), asyncio.Queue[None]()
    name = database_url.partition("@/")[2].partition("?")[0]
    async with line.open() as port:
        url = f"postgresql://postgres@127.0.0.1:{port}/{name}"
        async with listening(url, Ears(ready=lambda: looks.put_nowait(None))) as listener:
            await looks.get()
            line.light.clear()
            await until_event(events, "listener.lost")
            assert not listener.ready.is_set()
            line.light.set()
            await soon(listener.ready)
            await asyncio.wait_for(looks.get(), 5)  # and everything is looked at again


async def test_killed_backend_is_noticed_at_once(
    database_url: str, connection: asyncpg.Connection
) -> None:
    lost = asyncio.Event()
    async with listening(database_url, Ears(lost=lost.set), probe_seconds=60) as listener:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'rowbell listener' and datname = current_database()"
        )
        await soon(lost)
        await soon(listener.ready)


async def test_listening_session_is_never_left_inside_a_transaction(
    database_url: str, connection: asyncpg.Connection
) -> None:
    async with listening(database_url, Ears()):
        state = await connection.fetchval(
            "select state from pg_stat_activity"
            " where application_name = 'rowbell listener' and datname = current_database()"
        )
    assert state == "idle"


@pytest.mark.parametrize("wanted", [True, False])
async def test_changes_are_told_only_while_somebody_watches(
    database_url: str, connection: asyncpg.Connection, wanted: bool
) -> None:
    told, rung = asyncio.Event(), asyncio.Event()
    ears = Ears(changes=told.set, bell=lambda _: rung.set())
    async with listening(database_url, ears) as listener:
        listener.watch(wanted)
        if wanted:
            await soon(told)  # the lock is held now
            told.clear()
        await connection.execute(f"notify {BELL}, 'before'")
        await soon(rung)
        rung.clear()
        await connection.execute("insert into rowbell.tasks (kind) values ('echo')")
        await soon(rung)
        assert told.is_set() == wanted
