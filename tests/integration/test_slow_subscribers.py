"""Subscribers that stop reading: ended, their memory free, and nobody else notices."""

import gc
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from socket import SO_SNDBUF, SOL_SOCKET, socket

import pytest

from rowbell.api.connections import HttpConnection
from rowbell.api.limits import Limits

from deaf import FLOOD, QUERY, deaf_socket, deaf_stream
from graphql_server import Client, Served, serving, until

DEAF = 10
ROWS = 100
FLOOD_BYTES = ROWS * 50_000
LEFT_BYTES = FLOOD_BYTES // 10
"""Caches of statements, of documents, of the allocator."""


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    # Longer than a flood takes on a busy machine, so that it piles up before anybody is ended.
    async with serving(database_url, limits=Limits(ping_seconds=1)) as served:
        yield served


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("connect", [deaf_socket, deaf_stream])
@pytest.mark.parametrize("server", ["packaged"], indirect=True)
async def test_deaf_subscribers_are_ended_and_leave_no_memory_behind(
    served: Served, traced: None, connect: Callable[[str], Awaitable[socket]]
) -> None:
    async with served.socket() as client:
        await client.subscribe(QUERY)
        await served.watched.wait()
        await _flooded(served, client)
        before = _bytes_held()
        deaf = [await connect(served.address) for _ in range(DEAF)]
        await until(lambda: len(served.lobby) == DEAF + 1)
        await _flooded(served, client)
        assert _bytes_held() - before > FLOOD_BYTES / 2, "nothing waits for the deaf"
        await until(lambda: len(served.lobby) == 1)
        await until(lambda: _bytes_held() - before < LEFT_BYTES)
        await _flooded(served, client)
        for each in deaf:
            each.close()


@pytest.mark.parametrize("server", ["packaged"], indirect=True)
async def test_a_stream_that_leaves_little_unread_is_ended_too(served: Served) -> None:
    """So little that nothing has to wait; and a stream has no pings that are answered."""
    async with served.socket() as client:
        await client.subscribe(QUERY)
        with await deaf_stream(served.address):
            await until(lambda: len(served.lobby) == 2)
            await _flooded(served, client, rows=1)
            (connection,) = [
                each
                for each in gc.get_objects()
                if type(each) is HttpConnection and each.cycle and not each.transport.is_closing()
            ]
            system = connection.transport.get_extra_info("socket")
            system.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
            while not connection.transport.get_write_buffer_size():
                await _flooded(served, client, rows=1)
            assert connection.is_writable
            await until(lambda: len(served.lobby) == 1)


async def _flooded(served: Served, client: Client, rows: int = ROWS) -> None:
    """Insert more than buffers hold; returns once the client has read all of it."""
    await served.connection.execute(FLOOD.format(queue="default", rows=rows))
    last = str(await served.insert())
    while (await client.data())["taskAdded"]["id"] != last:
        pass


def _bytes_held() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
