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

from rowbell.cli.serve import event_loop
from rowbell.db.bench import Bench
from rowbell.db.callers import Callers

Note = tuple[float, float]
"""When INSERT was called, and when it had returned: time.monotonic()."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What to insert: `number` rows, at about `rate` a second."""

    kind: str
    queue: str
    number: int
    rate: float
    tick: float = 0.0
    """Seconds; all rows that are due within one are inserted by one statement. 0: row by row."""
    on_floor: bool = False
    """Into the table of the floor, instead of rowbell.tasks."""


def insert_rows(url: str, rows: Rows, pipe: Connection) -> None:
    """Insert, then send a list of Note: those of a tick count from when it was due."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when it is over
    insert = _insert_ticks if rows.tick else _insert_singly
    with asyncio.Runner(loop_factory=event_loop()) as runner:
        pipe.send(runner.run(insert(url, rows)))


async def _insert_singly(url: str, rows: Rows) -> list[Note]:
    notes: dict[int, Note] = {}
    async with Callers.opened(url) as callers, asyncio.TaskGroup() as group:

        async def insert(number: int) -> None:
            called = time.monotonic()
            if rows.on_floor:
                await callers.insert_on_floor(number)
            else:
                await callers.insert(rows.kind, rows.queue, number)
            notes[number] = called, time.monotonic()

        due = time.monotonic()
        for number in range(rows.number):
            due += random.expovariate(rows.rate)  # gaps as of many independent callers
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            group.create_task(insert(number))
    return [notes[number] for number in range(rows.number)]


async def _insert_ticks(url: str, rows: Rows) -> list[Note]:
    notes: list[Note] = []
    async with Bench.opened(url) as bench:
        began = time.monotonic()
        number = tick = 0
        while number < rows.number:
            due = began + tick * rows.tick
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tick += 1
            several = min(rows.number, round(tick * rows.tick * rows.rate)) - number
            await bench.insert_numbered(rows.kind, rows.queue, number, several)
            notes += [(due, time.monotonic())] * several
            number += several
    return notes
