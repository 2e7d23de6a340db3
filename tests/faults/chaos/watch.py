"""Looks at the database every few milliseconds: what runs, what waits, and for how long."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from faults.chaos.ground import Ground
from faults.chaos.limits import LIMITS, SAMPLE
from faults.chaos.outages import GONE

EVERY_SECONDS = 0.006
WAITING_EVERY = 15
"""Only each so many samples, for it reads more."""

WAITING = """
select coalesce(extract(epoch from clock_timestamp() - min(run_at)), 0)::float8
from rowbell.tasks
where status = 'PENDING' and queue = 'chaos' and kind <> 'chaos_few' and run_at <= clock_timestamp()
  and concurrency_key is null and ((after is null and after_batch is null) or parents = 'met')
"""
OPEN = "select count(*) from rowbell.tasks where finished_at is null"


@dataclass(slots=True)
class Watch:
    """A service: `run` until cancelled; the rest is what it saw."""

    ground: Ground
    samples: int = 0
    highest: list[int] = field(default_factory=lambda: [0] * len(LIMITS))
    """By limit, as in LIMITS."""
    exceeded: list[tuple[float, str, int]] = field(default_factory=list)
    """When, the group, and how many ran."""
    waiting: list[tuple[float, float]] = field(default_factory=list)
    """When, and for how long the oldest task was due that no limit held back."""
    open: int = 0

    async def run(self) -> None:
        while True:
            try:
                await self._look(await self.ground.connect("chaos watch"))
            except GONE:
                self.waiting.append((time.time(), float("inf")))
                await asyncio.sleep(0.02)

    async def _look(self, connection: Any) -> None:
        try:
            # The planner would read the whole table while it knows nothing about it.
            await connection.execute("set enable_seqscan = off; set jit = off")
            sample = await connection.prepare(SAMPLE)
            while True:
                self._note(await sample.fetchrow())
                if self.samples % WAITING_EVERY == 0:
                    self.waiting.append((time.time(), await connection.fetchval(WAITING)))
                if self.samples % (WAITING_EVERY * 10) == 0:
                    self.open = await connection.fetchval(OPEN)
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            connection.terminate()

    def _note(self, counts: Any) -> None:
        self.samples += 1
        for place, (limit, count) in enumerate(zip(LIMITS, counts, strict=True)):
            self.highest[place] = max(self.highest[place], count)
            if count > limit.most:
                self.exceeded.append((time.time(), limit.group, count))
