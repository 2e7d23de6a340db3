"""The application of the latency bench: a process that inserts single rows and notes when.

A process of its own, so that its work takes nothing from the worker's event loop. Both read
CLOCK_MONOTONIC, which is one clock for all processes of a machine.
"""

import asyncio
import random
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

from rowbell.db.bench import Bench

Note = tuple[float, float]
"""When INSERT was called, and when it had returned: time.monotonic()."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What to insert: `number` rows, at about `rate` a second."""

    kind: str
    queue: str
    number: int
    rate: float


def insert_rows(url: str, rows: Rows, pipe: Connection) -> None:
    """Insert, then send a list of Note."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when it is over
    pipe.send(asyncio.run(_insert(url, rows)))


async def _insert(url: str, rows: Rows) -> list[Note]:
    notes: list[Note] = []
    async with Bench.opened(url) as bench:
        due = time.monotonic()
        for number in range(rows.number):
            due += random.expovariate(rows.rate)  # gaps as of many independent callers
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            called = time.monotonic()
            await bench.insert(rows.kind, rows.queue, f'{{"number": {number}}}')
            notes.append((called, time.monotonic()))
    return notes
