"""Runs tasks: registers, keeps a dispatcher for each queue, beats, and drains."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from rowbell.config import Settings
from rowbell.db import tasks, workers
from rowbell.db.pool import Database
from rowbell.engine.attempt import Attempt, Ending
from rowbell.engine.completer import Completer
from rowbell.engine.context import AttemptContext
from rowbell.engine.dispatcher import Dispatcher
from rowbell.engine.executors import Executors
from rowbell.engine.progress import Progress
from rowbell.engine.slots import Slots
from rowbell.errors import InvalidState, Unavailable
from rowbell.handlers import Handlers
from rowbell.logs import log
from rowbell.task import Claim

EVERY_QUEUE = "*"
FLUSH_SECONDS = 10.0
"""How long a drain waits for the last outcomes to be written."""
OFTEN_SECONDS = 5.0
RETRY_SECONDS = 0.5


class Worker:
    """A service: `run()` until cancelled, best after `drain`; `ready` once it is registered."""

    def __init__(self, database: Database, handlers: Handlers, settings: Settings) -> None:
        self.database = database
        self.handlers = handlers
        self.settings = settings
        self.ready = asyncio.Event()
        self.id = 0
        self.slots = Slots(settings.slots)
        self.executors = Executors(settings.slots)
        self._completer = Completer(database)
        self._progress = Progress(database)
        self._running: dict[int, Attempt] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._dispatchers: dict[str, Dispatcher] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._draining = False
        self._claiming = 0
        self._claim_lost_at: float | None = None
        self._beat_now = asyncio.Event()

    async def run(self) -> None:
        """Register, then run everything that a worker consists of."""
        await self._register()
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._completer.run(), name="completer")
            self._tasks.create_task(self._progress.run(), name="progress")
            self._tasks.create_task(self._beat(), name="heartbeat")
            for queue in self.settings.queues:
                if queue != EVERY_QUEUE:
                    self._dispatcher(queue)
            self.ready.set()

    # ---------------------------------------------------------------- what the listener tells

    def bell(self, queue: str) -> None:
        """A queue got due tasks."""
        if dispatcher := self._dispatcher(queue):
            dispatcher.ring()

    def look(self) -> None:
        """Bells may have been missed: every queue looks."""
        for dispatcher in self._dispatchers.values():
            dispatcher.ring()

    def swept(self, queues: set[str]) -> None:
        """A sweep saw tasks in these queues that are due for a while."""
        for queue in queues:
            if dispatcher := self._dispatcher(queue):
                dispatcher.sweep()

    def cancel(self, task_id: int) -> None:
        """End the attempt at a task, if it runs here."""
        if attempt := self._running.get(task_id):
            attempt.end(Ending.CANCELLED)

    def _dispatcher(self, queue: str) -> Dispatcher | None:
        """The dispatcher of a queue, made on its first bell; None if it is not ours to serve."""
        known = self._dispatchers.get(queue)
        serves = EVERY_QUEUE in self.settings.queues or queue in self.settings.queues
        if known or not serves or self._draining or self._tasks is None:
            return known
        dispatcher = self._dispatchers[queue] = Dispatcher(
            queue,
            slots=self.slots,
            claim=self._claim,
            start=self._start,
            seconds_to_next=self._seconds_to_next,
        )
        self._tasks.create_task(dispatcher.run(), name=f"dispatcher {queue}")
        return dispatcher

    # ---------------------------------------------------------------- attempts

    async def _claim(self, queue: str, most: int) -> list[Claim]:
        self._claiming += 1
        try:
            return await tasks.claim(self.database, queue, self.id, most, self.handlers.kinds)
        except (Unavailable, InvalidState):
            # The claim may have been made and its answer lost. The heartbeat sees to either.
            self._claim_lost_at = asyncio.get_running_loop().time()
            self._beat_now.set()
            return []
        finally:
            self._claiming -= 1

    async def _seconds_to_next(self, queue: str) -> float | None:
        try:
            return await workers.next_run_in(self.database, queue, self.handlers.kinds)
        except Unavailable:
            return None  # the heartbeat notices too, and rings when PostgreSQL is back

    def _start(self, claim: Claim) -> None:
        assert self._tasks is not None  # noqa: S101 - dispatchers live in it
        context = AttemptContext(claim, database=self.database, report=self._progress.report)
        attempt = Attempt(claim, self.handlers[claim.kind], context, self.executors)
        self._running[claim.id] = attempt
        self._idle.clear()
        log.debug("task.claimed", task=claim.id, kind=claim.kind, attempt=claim.attempt)
        attempt.task = self._tasks.create_task(self._attempt(attempt))

    async def _attempt(self, attempt: Attempt) -> None:
        outcome = await attempt.run()
        await self._completer.put(outcome)
        if self._running.get(attempt.claim.id) is attempt:
            del self._running[attempt.claim.id]
        self.slots.release()
        if not self._running:
            self._idle.set()

    # ---------------------------------------------------------------- heartbeat

    async def _register(self) -> None:
        self.id = await workers.register(
            self.database,
            queues=self.settings.queues,
            slots=self.slots.total,
            lease_seconds=self.settings.lease_seconds,
            handlers=self.handlers,
        )
        log.info(
            "worker.started",
            worker=self.id,
            slots=self.slots.total,
            queues=" ".join(self.settings.queues),
            kinds=" ".join(self.handlers.kinds),
        )

    async def _beat(self) -> None:
        """Say that this worker lives; whoever cannot say so for two thirds of its lease stops."""
        loop = asyncio.get_running_loop()
        last, failing = loop.time(), False
        while True:
            self._beat_now.clear()
            try:
                await self._beat_once()
            except Unavailable as error:
                if not failing:
                    log.warning("heartbeat.failed", worker=self.id, reason=error.message)
                failing = True
                if loop.time() - last > self.settings.lease_seconds * 2 / 3:
                    self._fence()
                await asyncio.sleep(RETRY_SECONDS)
            else:
                if failing:
                    log.info("database.recovered")
                    self.look()
                last, failing = loop.time(), False
                await _within(self._pause(), self._beat_now.wait())

    def _pause(self) -> float:
        often = min(OFTEN_SECONDS, self.settings.lease_seconds / 6)
        return often if self._claim_lost_at is None else min(often, RETRY_SECONDS)

    async def _beat_once(self) -> None:
        alive = await workers.heartbeat(
            self.database, self.id, busy=self.slots.busy, draining=self._draining
        )
        if not alive:
            self._fence()
            if not self._draining:
                await self._register()
                self.look()
        if self._claim_lost_at is not None:
            await self._recover_claims(self._claim_lost_at)

    async def _recover_claims(self, lost_at: float) -> None:
        """Give back what was claimed for this worker but never arrived here."""
        self.look()
        settled = asyncio.get_running_loop().time() - lost_at > workers.STRAY_SECONDS * 1.5
        if settled and not self._claiming:
            self._claim_lost_at = None
            held = [*self._running, *self._completer.held()]
            for task_id in await workers.release_strays(self.database, self.id, held):
                log.info("task.released", task=task_id, reason="its claim was lost on the way")

    def _fence(self) -> None:
        """By now the tasks may have been given to another worker."""
        if self._running:
            log.warning("worker.fenced", worker=self.id, attempts=len(self._running))
            self.end_attempts(Ending.FENCED)

    def end_attempts(self, ending: Ending = Ending.DRAINED) -> None:
        """End what runs now; the tasks are released, no failure is counted."""
        for attempt in list(self._running.values()):
            attempt.end(ending)

    # ---------------------------------------------------------------- drain

    async def drain(self, grace_seconds: float) -> None:
        """Claim no more, let attempts finish within the grace, release the rest, sign off.

        Nothing of this worker is PROCESSING afterwards, if PostgreSQL answers; what could not be
        written is rescued by another worker's sweep.
        """
        self._draining = True
        log.info("worker.draining", worker=self.id, attempts=len(self._running))
        for dispatcher in self._dispatchers.values():
            dispatcher.stop()
        if not await _within(grace_seconds, self._idle.wait()):
            self.end_attempts()
            await _within(FLUSH_SECONDS, self._idle.wait())
        await _within(FLUSH_SECONDS, self._completer.settled())
        try:
            await workers.sign_off(self.database, self.id)
        except Unavailable as error:
            log.warning("heartbeat.failed", worker=self.id, reason=error.message)
        self.executors.close()
        log.info("worker.stopped", worker=self.id)


async def _within(seconds: float, waiting: Coroutine[Any, Any, Any]) -> bool:
    """Wait; False if that took longer."""
    try:
        async with asyncio.timeout(seconds):
            await waiting
    except TimeoutError:
        return False
    return True
