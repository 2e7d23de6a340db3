"""The attendant of one queue: answers its bell and claims as many tasks as there are free slots."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from rowbell.engine.slots import Slots
from rowbell.logs import log
from rowbell.measures import measures
from rowbell.tally import tally
from rowbell.task import Claim

SETTLE_SECONDS = 0.01
"""A queue that was silent for this long is asked for its next scheduled task."""
LONGEST_SLEEP_SECONDS = 30.0
"""Bells announce rows due within a minute; for those further ahead it looks this often."""


class Dispatcher:
    """One loop: clear the wake flag, look, start what was claimed, sleep until a bell."""

    def __init__(
        self,
        queue: str,
        *,
        slots: Slots,
        claim: Callable[[str, int], Awaitable[list[Claim]]],
        start: Callable[[Claim], None],
        seconds_to_next: Callable[[str], Awaitable[float | None]],
        retire: Callable[[str], None] | None,
    ) -> None:
        """retire: called when the queue has long been empty; None: this one stays."""
        self.queue = queue
        self._slots = slots
        self._claim = claim
        self._start = start
        self._seconds_to_next = seconds_to_next
        self._retire = retire
        self._wake = asyncio.Event()
        self._sleeping = True
        self._swept = False
        self._stopping = False

    def ring(self) -> None:
        """A bell, an alarm, a reconnect: look."""
        self._wake.set()

    def sweep(self) -> None:
        """A sweep saw tasks that are due for a while. What this finds, no bell had announced."""
        self._swept = self._sleeping and not self._wake.is_set()
        self._wake.set()

    def stop(self) -> None:
        """Claim no more; a claim under way is still started."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Until `stop`, or until it retires. Cancelling is safe only after `stop`."""
        log.debug("dispatcher.started", queue=self.queue)
        self._sleeping = False
        while not self._stopping:
            self._wake.clear()  # before the look: a bell rung during it calls for another one
            by_sweep, self._swept = self._swept, False
            while await self._look(by_sweep=by_sweep):
                by_sweep = False
            if not self._stopping and not await self._sleep() and self._retire:
                self._retire(self.queue)
                break
        log.debug("dispatcher.stopped", queue=self.queue)

    async def _look(self, *, by_sweep: bool) -> bool:
        """Claim once and start it; True if the queue may hold more."""
        reserved = await self._slots.reserve()
        claims: list[Claim] = []
        try:
            if not self._stopping:
                claims = await self._claim(self.queue, reserved)
        finally:
            self._slots.release(reserved - len(claims))
        tally.looked(len(claims), by_sweep=by_sweep)
        measures.claimed(claims)
        for claim in claims:
            self._start(claim)
        if claims and by_sweep:
            log.warning("sweep.found", queue=self.queue, tasks=len(claims))
        return len(claims) == reserved

    async def _sleep(self) -> bool:
        """Until rung, or until a scheduled task is due. False: for long, there was neither."""
        self._sleeping = True
        try:
            if await self._rung_within(SETTLE_SECONDS):
                return True
            seconds: float | None = LONGEST_SLEEP_SECONDS + 1
            while seconds is not None and seconds > LONGEST_SLEEP_SECONDS:
                seconds = await self._seconds_to_next(self.queue)
                pause = LONGEST_SLEEP_SECONDS if seconds is None else seconds
                if await self._rung_within(min(pause, LONGEST_SLEEP_SECONDS)):
                    return True
            return seconds is not None
        finally:
            self._sleeping = False

    async def _rung_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        return self._wake.is_set()
