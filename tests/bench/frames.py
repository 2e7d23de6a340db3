"""How soon a commit is a frame: `cd tests && ../.venv/bin/python -m bench.frames`.

Two processes `rowbell api` on one database of an own server. Tasks are inserted on one side, by
SQL or by a mutation of the first process; frames are read from the second process. Then one INSERT
to thousands of subscribers of one process, a socket each (`ulimit -n` must allow them).
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import httpx
import uvloop

from bench.ears import Ear, listen
from clients.documents import CREATE_TASK, TASK_ADDED
from clients.services import Services
from postgres import Server, embedded_binaries

INSERT = "insert into rowbell.tasks (kind, description) values ('echo', 'x')"
DEADLINE_SECONDS = 30.0

Write = Callable[[], Awaitable[object]]


class Frames:
    """The frames of all subscribers since the last `expect`."""

    def __init__(self) -> None:
        self.complete = asyncio.Event()
        self.last = 0.0
        self._missing = 0

    def expect(self, count: int) -> None:
        self.complete.clear()
        self._missing = count

    def heard(self, at: float) -> None:
        self.last = at
        self._missing -= 1
        if self._missing == 0:
            self.complete.set()

    async def after(self, write: Write, count: int) -> tuple[float, float]:
        """Seconds to the last of so many frames, from before the write and from its return."""
        self.expect(count)
        before = time.perf_counter()
        await write()
        returned = time.perf_counter()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.complete.wait()
        return self.last - before, max(0.0, self.last - returned)


def told(name: str, seconds: list[float]) -> None:
    ordered = sorted(second * 1000 for second in seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    print(
        f"{name:<58} p50 {statistics.median(ordered):7.1f} ms  p99 {p99:7.1f} ms"
        f"  max {ordered[-1]:7.1f} ms"
    )


async def awake(frames: Frames, write: Write, count: int) -> None:
    """A subscription has no answer of its own: write until every subscriber has been told."""
    frames.expect(count)
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not frames.complete.is_set():
            await write()
            await asyncio.sleep(0.5)
    await asyncio.sleep(1.0)


async def measure_latency(address: str, ways: dict[str, Write], samples: int) -> None:
    frames = Frames()
    ear = await listen(address, TASK_ADDED, frames.heard)
    for way, write in ways.items():
        await awake(frames, write, 1)
        sent, returned = [], []
        for _ in range(samples):
            from_sent, from_return = await frames.after(write, 1)
            sent.append(from_sent)
            returned.append(from_return)
            await asyncio.sleep(random.uniform(0.03, 0.1))
        told(f"{way}: from its sending to the frame", sent)
        told(f"{way}: from its return to the frame", returned)
    ear.transport.abort()


async def measure_crowd(address: str, write: Write, subscribers: int, samples: int) -> None:
    frames = Frames()
    ears: list[Ear] = []
    for _ in range(0, subscribers, 100):
        wanted = min(100, subscribers - len(ears))
        ears += await asyncio.gather(
            *(listen(address, TASK_ADDED, frames.heard) for _ in range(wanted))
        )
    await awake(frames, write, subscribers)
    seconds = []
    for _ in range(samples):
        seconds.append((await frames.after(write, subscribers))[0])
        await asyncio.sleep(0.5)
    told(f"one INSERT to the last of {subscribers:,} subscribers", seconds)
    for ear in ears:
        ear.transport.abort()


async def run(server: Server, home: Path, options: argparse.Namespace) -> None:
    services = Services(server.url(), home)
    try:
        first, second = services.start("api", "api")
        connection = await asyncpg.connect(server.url())
        async with httpx.AsyncClient(base_url=first, timeout=DEADLINE_SECONDS) as http:
            body = {"query": CREATE_TASK, "variables": {"input": {"description": "x"}}}
            ways: dict[str, Write] = {
                "INSERT": lambda: connection.execute(INSERT),
                "mutation on another process": lambda: http.post("/graphql", json=body),
            }
            await measure_latency(second, ways, options.samples)
            await measure_crowd(second, ways["INSERT"], options.subscribers, options.events)
        await connection.close()
    finally:
        services.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--subscribers", type=int, default=4000)
    parser.add_argument("--events", type=int, default=9)
    options = parser.parse_args()
    server = Server("packaged", embedded_binaries())
    try:
        with tempfile.TemporaryDirectory() as home:
            uvloop.run(run(server, Path(home), options))
    finally:
        server.remove()


if __name__ == "__main__":
    main()
