"""A client of its own process that sends one request again and again over kept connections."""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

import uvloop

Round = tuple[str, float]
"""An address, and for how many seconds it is asked."""


class Client:
    """`await client.ask(address, seconds)`: answers a second."""

    def __init__(self, line: Connection) -> None:
        self._line = line

    async def ask(self, address: str, seconds: float) -> float:
        self._line.send((address, seconds))
        return float(await asyncio.to_thread(self._line.recv))


@asynccontextmanager
async def client(body: bytes, connections: int) -> AsyncIterator[Client]:
    """Beside the server, not in it: what the client costs is no part of the measurement."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_run, args=(theirs, body, connections), daemon=True)
    process.start()
    try:
        yield Client(ours)
    finally:
        ours.send(None)
        await asyncio.to_thread(process.join, 10)


def _run(line: Connection, body: bytes, connections: int) -> None:
    while (wanted := line.recv()) is not None:
        line.send(uvloop.run(_rate(*wanted, body, connections)))


async def _rate(address: str, seconds: float, body: bytes, connections: int) -> float:
    until = time.perf_counter() + seconds
    began = time.perf_counter()
    counts = await asyncio.gather(
        *(_converse(address, body, until) for _ in range(connections)),
    )
    return sum(counts) / (time.perf_counter() - began)


async def _converse(address: str, body: bytes, until: float) -> int:
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    request = (
        f"POST {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    count = 0
    while time.perf_counter() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        answer = await reader.readexactly(length)
        assert head.startswith(b"HTTP/1.1 200"), head + answer
        assert b'"errors"' not in answer, answer
        count += 1
    writer.close()
    return count
