"""The attendant of one queue: answers its bell and claims as many tasks as there are free slots."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from rowbell.db.duty import Duty
from rowbell.engine.claims import Cause
from rowbell.engine.lanes import Lane
from rowbell.engine.vigil import Vigil
from rowbell.engine.wake import Wake
from rowbell.logs import log
from rowbell.measures import measures
from rowbell.tally import tally
from rowbell.task import Claim

MOST = 1_000
"""Tasks of one claim: while they are started, PostgreSQL hands out the next."""
SETTLE_SECONDS = 0.01
"""A queue that was silent for this long is asked for its next scheduled task."""
LONGEST_SLEEP_SECONDS = 30.0
"""Bells announce rows due within a minute; for those further ahead it looks this often."""
FULL_SECONDS = 0.005
MOST_FULL_SECONDS = 1.0
"""Without a free slot for this long, others are asked to answer the bell; then again, ever more
rarely: another worker may have come."""


class Dispatcher:
    """One loop: clear the wake flag, look, start what was claimed, sleep until a bell."""

    def __init__(
        self,
        queue: str,
        lane: Lane,
        duty: Duty,
        *,
        claim: Callable[[str, int, Cause], Awaitable[list[Claim]]],
        start: Callable[[list[Claim]], None],
        seconds_to_next: Callable[[str], Awaitable[float | None]],
        retire: Callable[[str], None] | None,
        full: Callable[[], Awaitable[None]],
        free: Callable[[], None],
    ) -> None:
        """claim: gets a queue, how many at the most, and why.

        retire: called when the queue has long been empty; None: this one stays.

        full, free: called when slots have long been taken, and when there are some again.
        """
        self.queue = queue
        self._slots = lane.slots
        self._duty = duty
        self._claim = claim
        self._start = start
        self._seconds_to_next = seconds_to_next
        self._retire = retire
        self._full = full
        self._free = free
        self._wake = Wake()
        self._vigil = Vigil(queue, lane.kinds, duty, self._wake.set)
        self._sleeping = True
        self._left_none = False
        self._cause = Cause.LOOK
        self._stopping = False

    def ring(self) -> None:
        """A bell was rung for this queue."""
        self._vigil.hear()
        self._cause = Cause.BELL
        self._wake.set()

    def look(self) -> None:
        """Bells may have been missed."""
        self._wake.set()

    def sweep(self) -> None:
        """A sweep saw tasks that are due for a while. What this finds, no bell had announced."""
        if self._sleeping and not self._wake.is_set():
            self._cause = Cause.SWEEP
        self._wake.set()

    def stop(self) -> None:
        """Claim no more; a claim under way is still started."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Until `stop`, or until it retires. Cancelling is safe only after `stop`."""
        log.debug("dispatcher.started", queue=self.queue)
        while not self._stopping:
            self._sleeping = False
            self._wake.clear()  # before the look: a bell rung during it calls for another one
            found = await self._look_until_empty()
            self._sleeping = True
            if not self._stopping and not await self._rest(found=found) and self._retire:
                self._retire(self.queue)
                break
        log.debug("dispatcher.stopped", queue=self.queue)

    async def _look_until_empty(self) -> bool:
        """Claim until there is no more; True if anything was found."""
        found = False
        more = True
        while more:
            reserved = await self._reserve()
            claimed = await self._look(reserved)
            found = found or claimed > 0
            more = claimed == reserved
            await self._vigil.begin_if_hurried()
        return found

    async def _look(self, reserved: int) -> int:
        """Claim once and start it; returns how many it were."""
        cause, self._cause = self._cause, Cause.LOOK
        by_sweep = cause is Cause.SWEEP
        claims: list[Claim] = []
        try:
            if not self._stopping:
                claims = await self._claim(self.queue, reserved, cause)
        finally:
            self._slots.release(reserved - len(claims))
        self._left_none = bool(claims) and claims[-1].is_last
        self._start(claims)
        tally.looked(len(claims), by_sweep=by_sweep)
        measures.claimed(claims)
        if claims and by_sweep:
            log.warning("sweep.found", queue=self.queue, tasks=len(claims))
        return len(claims)

    async def _reserve(self) -> int:
        """Free slots, one at least. While there is none, somebody else should look."""
        if self._slots.free > 0:
            return await self._slots.reserve(MOST)
        patience = FULL_SECONDS
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    reserved = await self._slots.reserve(MOST)
                    self._free()
                    return reserved
            await self._full()
            await self._vigil.begin_if_hurried()
            patience = min(MOST_FULL_SECONDS, patience * 2)

    async def _rest(self, *, found: bool) -> bool:
        """Until it is time to look again. False: for long there was nothing to look for."""
        if not self._vigil.is_kept:
            return await self._sleep()
        pause = self._vigil.pause(found)
        if pause is None:
            await self._vigil.end()
        else:
            await self._wake.within(pause)
        return True

    async def _sleep(self) -> bool:
        """Until rung, or until a scheduled task is due. False: for long, there was neither."""
        if not self._duty.answers:
            if not self._retire:
                await self._wake.wait()
            return self._wake.is_set()
        if self._left_none:  # what comes from now on has a bell
            return await self._wake.within(LONGEST_SLEEP_SECONDS)
        if await self._wake.within(SETTLE_SECONDS):
            return True
        seconds: float | None = LONGEST_SLEEP_SECONDS + 1
        while seconds is not None and seconds > LONGEST_SLEEP_SECONDS:
            seconds = await self._seconds_to_next(self.queue)
            pause = LONGEST_SLEEP_SECONDS if seconds is None else seconds
            if await self._wake.within(min(pause, LONGEST_SLEEP_SECONDS)):
                return True
        return seconds is not None
