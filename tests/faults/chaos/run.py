"""One run: load and faults for a time, then peace, then the questions."""

import asyncio
import random
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg

from faults.chaos import evidence as collected
from faults.chaos.card import card
from faults.chaos.evidence import Evidence
from faults.chaos.faults import Faults
from faults.chaos.ground import Ground, prepared
from faults.chaos.ledger import Fate, Ledger
from faults.chaos.options import Options
from faults.chaos.outages import GONE, is_outage
from faults.chaos.problems import Problem, problems
from faults.chaos.producers import Producer
from faults.chaos.watch import Watch

PRODUCERS = 6
CANCELLED = 0.03
"""So many of the tasks that a single INSERT made are cancelled, within a second."""


class Run:
    """A chaos run; `facts` is its card."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="rowbell-chaos-", dir="/tmp"))
        self.ledger = Ledger()
        self.facts: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self.evidence: Evidence | None = None
        self._dice = random.Random(options.seed)
        self._cancels: set[asyncio.Task[None]] = set()
        self._ground: Ground | None = None

    async def run(self) -> None:
        asyncio.get_running_loop().set_exception_handler(_complain)
        async with prepared(self.options, self.folder) as ground:
            self._ground = ground
            watch = Watch(ground)
            faults = Faults(ground, self.options.lease_seconds, random.Random(self.options.seed))
            watching = asyncio.create_task(watch.run(), name="watch")
            showing = asyncio.create_task(self._show(watch, faults), name="progress")
            try:
                await self._all_ready(ground)
                await self._storm(ground, faults)
                settled = await self._settle(ground)
            finally:
                for each in (watching, showing):
                    each.cancel()
                await asyncio.gather(watching, showing, return_exceptions=True)
        # The workers have ended by now: what they say at their end is evidence, too.
        self.evidence = await collected.collect(ground, self.ledger, faults.happened, watch)
        self.problems = problems(self.evidence)
        self.facts = card(self.options, self.evidence, self.problems, settled)

    def remove(self) -> None:
        """Leave nothing behind."""
        if self._ground:
            self._ground.server.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def places(self) -> list[Path]:
        """Where logs, record and data of this run are."""
        return [self.folder, *([self._ground.server.folder] if self._ground else [])]

    def stop_server(self) -> None:
        """Keep the data, but no process."""
        if self._ground:
            self._ground.server.stop()

    # ---------------------------------------------------------------- the storm

    async def _all_ready(self, ground: Ground) -> None:
        async with asyncio.timeout(60):
            while not all(seat.lives and seat.life.was_ready for seat in ground.seats):
                await asyncio.sleep(0.1)

    async def _storm(self, ground: Ground, faults: Faults) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(PRODUCERS):
                producer = Producer(
                    ground.url,
                    self.options.rate / PRODUCERS,
                    self.ledger,
                    random.Random(self._dice.random()),
                    lambda task: self._perhaps_cancel(ground, task),
                )
                group.create_task(producer.run(self.options.seconds))
            until = time.monotonic() + self.options.seconds
            while time.monotonic() < until:
                await asyncio.sleep(1 / self.options.faults)
                sort, seat = faults.choose()
                if sort:
                    group.create_task(faults.happen(sort, seat), name=sort)

    def _perhaps_cancel(self, ground: Ground, task: int) -> None:
        if self._dice.random() < CANCELLED:
            cancel = asyncio.create_task(_cancel(ground, task, self._dice.random()))
            self._cancels.add(cancel)
            cancel.add_done_callback(self._cancels.discard)

    # ---------------------------------------------------------------- peace

    async def _settle(self, ground: Ground) -> float | None:
        """Seconds until every task was final; None: the deadline came first."""
        began = time.monotonic()
        while time.monotonic() - began < self.options.settle_seconds:
            with suppress(*GONE):
                connection = await ground.connect()
                try:
                    if not await connection.fetchval(
                        "select exists (select from rowbell.tasks where finished_at is null)"
                    ):
                        return time.monotonic() - began
                finally:
                    connection.terminate()
            await asyncio.sleep(0.1)
        return None

    async def _show(self, watch: Watch, faults: Faults) -> None:
        began = time.monotonic()
        while not self.options.as_json:
            committed = self.ledger.count(Fate.COMMITTED)
            line = (
                f"{time.monotonic() - began:5.0f} s  {committed:7,} tasks committed"
                f"  {watch.open:6,} open  {len(faults.happened):4} faults"
                f"  last: {faults.happened[-1].sort if faults.happened else 'none'}"
            )
            is_terminal = sys.stderr.isatty()
            sys.stderr.write(f"\r{line:<100}" if is_terminal else f"{line}\n")
            sys.stderr.flush()
            await asyncio.sleep(1 if is_terminal else 10)


def _complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """asyncpg leaves futures behind when a connection breaks: that is what this run is for."""
    error = context.get("exception")
    if not (isinstance(error, GONE) and is_outage(error)):
        loop.default_exception_handler(context)


async def _cancel(ground: Ground, task: int, seconds: float) -> None:
    await asyncio.sleep(seconds)
    with suppress(*GONE, asyncpg.PostgresError):
        connection = await ground.connect("chaos cancel")
        try:
            await connection.execute("select rowbell.cancel($1)", task)
        finally:
            connection.terminate()
