"""The attempts that run in this process: begun by claims, ended by handlers or from outside."""

import asyncio
import contextlib
import logging
import sys
from functools import partial
from typing import Any

from rowbell.config import cores
from rowbell.db.pool import Database
from rowbell.engine.attempt import Attempt, Ending
from rowbell.engine.completer import Completer
from rowbell.engine.context import AttemptContext
from rowbell.engine.executors.executors import Executors
from rowbell.engine.lanes import Lane, Lanes
from rowbell.engine.progress import Progress
from rowbell.handlers import Handlers
from rowbell.logs import each
from rowbell.task import Claim

# A handler that never waits is done before anything has to be kept for it: a tenth of its cost.
_AT_ONCE: dict[str, Any] = {"eager_start": True} if sys.version_info >= (3, 12) else {}
FLUSH_SECONDS = 5.0
"""How long a drain waits for the last outcomes to be written."""


class Attempts:
    """A service: `run()` until cancelled; each claim that is started ends in one outcome."""

    def __init__(
        self,
        database: Database,
        handlers: Handlers,
        slots: int,
        process_slots: int | None = None,
    ) -> None:
        """process_slots: processes for handlers; None is one for each CPU core."""
        process_slots = process_slots or cores()
        self.lanes = Lanes(handlers, slots, process_slots)
        for lane in self.lanes:
            lane.begin, lane.give_back = self._begin, self._give_back
        self.executors = Executors(handlers, slots=slots, process_slots=process_slots)
        self._database = database
        self._handlers = handlers
        self._completer = Completer(database)
        self._progress = Progress(database)
        self._running: dict[int, Attempt] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self.busy = asyncio.Event()
        """Set while something runs, and for a moment after."""
        self._group = asyncio.TaskGroup()
        self._loop = asyncio.get_running_loop()
        self._failed: asyncio.Future[None] = self._loop.create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        """Of attempts that wait for something: a fenced one runs beside the next at its task."""

    def __len__(self) -> int:
        return len(self._running)

    async def run(self) -> None:
        """Write outcomes and progress, and own the attempts themselves."""
        try:
            async with self._group:
                self._group.create_task(self._completer.run(), name="completer")
                self._group.create_task(self._progress.run(), name="progress")
                await self._failed
        finally:
            await self._cancel()
            await self.executors.close()

    async def _cancel(self) -> None:
        """What still runs when the worker has failed; nothing does after a drain."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def start(self, claims: list[Claim]) -> None:
        """Run claimed tasks; their slots are taken already, and are released one by one."""
        if not claims:
            return
        self._idle.clear()
        self.busy.set()
        each(logging.DEBUG, "task.claimed", (claim.fields for claim in claims))
        for claim in claims:
            self._enter(claim, alone=len(claims) == 1)

    def _enter(self, claim: Claim, *, alone: bool) -> None:
        context = AttemptContext(claim, database=self._database, report=self._progress.report)
        handler = self._handlers[claim.kind]
        attempt = Attempt(claim, handler, context, self.executors[handler.runs_in])
        self._running[claim.id] = attempt
        self.lanes[claim.kind].enter(attempt, alone=alone)

    def _begin(self, attempt: Attempt) -> None:
        task = asyncio.Task(self._perform(attempt), loop=self._loop, **_AT_ONCE)
        if task.done():
            self._see(task)
        else:
            attempt.task = task
            self._tasks.add(task)
            task.add_done_callback(self._see)

    def _see(self, task: asyncio.Task[None]) -> None:
        """No attempt fails; should one, the worker does."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not self._failed.done():
            self._failed.set_exception(error)

    def _give_back(self, attempt: Attempt) -> None:
        attempt.end(Ending.RETURNED)
        self._begin(attempt)

    async def _perform(self, attempt: Attempt) -> None:
        outcome = await attempt.run()
        await self._completer.put(outcome)
        if self._running.get(attempt.claim.id) is attempt:
            del self._running[attempt.claim.id]
        lane = self.lanes[attempt.claim.kind]
        if outcome.ending is None:
            lane.note(outcome.seconds)
        if lingering := attempt.lingering:
            # A thread outlives its attempt: the next would wait for one although it is claimed.
            lingering.add_done_callback(partial(self._leave_from_thread, lane))
        else:
            lane.leave()
        if not self._running:
            self._idle.set()

    def _leave_from_thread(self, lane: Lane, _: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended before the thread
            self._loop.call_soon_threadsafe(lane.leave)

    def oldest_began_at(self) -> float | None:
        """Time of the loop; None, and no more `busy`, while nothing runs."""
        if oldest := next(iter(self._running.values()), None):
            return oldest.began_at
        self.busy.clear()
        return None

    def held(self) -> list[int]:
        """Ids of the tasks that run here, or whose outcome is not written yet."""
        return [*self._running, *self._completer.held()]

    def running(self, task_id: int) -> Attempt | None:
        """The attempt at a task, if it runs here."""
        return self._running.get(task_id)

    def end(self, task_id: int, ending: Ending) -> None:
        """End the attempt at a task, if it runs here."""
        if attempt := self._running.get(task_id):
            attempt.end(ending)

    def end_all(self, ending: Ending) -> int:
        """End what runs now: released, no failure is counted. Returns how many it were."""
        return sum([attempt.end(ending) for attempt in self._running.values()])

    async def settle(self, seconds: float) -> bool:
        """Wait until nothing runs and every outcome is written; False if that took longer."""
        return await within(seconds, self._idle) and await within(seconds, self._completer.settled)

    async def drain(self, grace_seconds: float) -> bool:
        """Let attempts finish within the grace, release the rest, write every outcome.

        False: some outcomes could not be written in time.
        """
        if not await within(grace_seconds, self._idle):
            self.end_all(Ending.DRAINED)
            await within(FLUSH_SECONDS, self._idle)
        written = await within(FLUSH_SECONDS, self._completer.settled)
        await self.executors.close()
        return written


async def within(seconds: float, event: asyncio.Event) -> bool:
    """Wait for an event; False if that took longer."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
