"""The worker of the floor: it listens, claims, calls and completes, in a process of its own.

As in the harness of the peers: no product, but what the wire, PostgreSQL and an event loop allow.
"""

import asyncio
from multiprocessing.connection import Connection

from rowbell.cli.bench import probes
from rowbell.db.floor import Floor

LOOK_SECONDS = 1.0
"""It looks this often without having been woken."""


def work(url: str, pipe: Connection) -> None:
    """The process of it."""
    probes.run(FloorWorker(probes.Probes(pipe)).run(url))


class FloorWorker:
    """A task of asyncio for each row, and one UPDATE for all outcomes that came meanwhile."""

    def __init__(self, noted: probes.Probes) -> None:
        self._noted = noted
        self._wake = asyncio.Event()
        self._ended = asyncio.Event()
        self._stopping = False
        self._done: list[int] = []

    async def run(self, url: str) -> None:
        """Until the bench has seen enough. Raises Unavailable."""
        async with Floor.opened(url) as ear, Floor.opened(url) as hands, Floor.opened(url) as pen:
            await ear.listen(self._wake.set)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._complete(pen))
                group.create_task(self._claim(hands, group))
                self._noted.ready()
                self._noted.obey(self._stop)
        self._noted.report()

    async def _claim(self, hands: Floor, group: asyncio.TaskGroup) -> None:
        while not self._stopping:
            self._wake.clear()
            rows = await hands.claim()
            for row in rows:
                group.create_task(self._call(*row))
            if not rows:
                try:
                    await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)
                except TimeoutError:
                    continue

    async def _call(self, row: int, number: int) -> None:
        self._noted.note(number)
        self._done.append(row)
        self._ended.set()

    async def _complete(self, pen: Floor) -> None:
        while not self._stopping:
            await self._ended.wait()
            self._ended.clear()
            done, self._done = self._done, []
            await pen.complete(done)

    def _stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._ended.set()
