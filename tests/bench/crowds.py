"""Thousands of subscribers of one process, and what each event costs it."""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.ears import Ear, StreamEar, listen

DEADLINE_SECONDS = 30.0
AT_ONCE = 100

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

    async def awake(self, write: Write, count: int) -> None:
        """A subscription has no answer of its own: write until every subscriber has been told."""
        self.expect(count)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not self.complete.is_set():
                await write()
                await asyncio.sleep(0.5)
        await asyncio.sleep(1.0)


@dataclass
class Place:
    """The process that is measured."""

    address: str
    pid: int

    def cpu_seconds(self) -> float:
        """What it has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @asynccontextmanager
    async def crowd(
        self, query: str, count: int, sort: type[Ear] | type[StreamEar]
    ) -> AsyncIterator[Frames]:
        """So many subscribers, a socket each (`ulimit -n` must allow them).

        Where the query has a variable `$own`, each gives another value.
        """
        frames = Frames()
        ears: list[Ear | StreamEar] = []
        while len(ears) < count:
            numbers = range(len(ears), min(count, len(ears) + AT_ONCE))
            ears += await asyncio.gather(
                *(
                    listen(self.address, query, frames.heard, {"own": f"k{number}"}, sort=sort)
                    for number in numbers
                )
            )
        yield frames
        for ear in ears:
            ear.transport.abort()
        while self._files() > count:  # or the next crowd would be too many for one subject
            await asyncio.sleep(0.1)

    def _files(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


async def measure(place: Place, frames: Frames, write: Write, *, told: int, samples: int) -> None:
    """Print what so many writes cost, each of which makes `told` frames."""
    seconds, waits = [], []
    probe = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.probe", place.address),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    await _longest_wait(probe)
    before = place.cpu_seconds()
    for _ in range(samples):
        seconds.append((await frames.after(write, told))[0])
        waits.append(await _longest_wait(probe))
    used = place.cpu_seconds() - before
    probe.terminate()
    await probe.wait()
    middle = statistics.median(seconds)
    print(
        f"    {told:,} frames: p50 {middle * 1000:.0f} ms, max {max(seconds) * 1000:.0f} ms;"
        f" {told / middle:,.0f} a second; {used / samples / told * 1e6:.1f} us CPU each;"
        f" others waited {max(waits) * 1000:.0f} ms at the longest"
    )


async def _longest_wait(probe: asyncio.subprocess.Process) -> float:
    """Since the last time that it was asked, in seconds."""
    assert probe.stdin and probe.stdout
    probe.stdin.write(b"\n")
    return float(await probe.stdout.readline())
