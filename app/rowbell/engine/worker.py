"""Runs tasks: registers, keeps a dispatcher for each queue, claims, beats, and drains."""

import asyncio

from rowbell.config import Settings
from rowbell.db import tasks, workers
from rowbell.db.pool import Database
from rowbell.engine.attempt import Ending
from rowbell.engine.attempts import Attempts, within
from rowbell.engine.dispatcher import Dispatcher
from rowbell.errors import RowbellError
from rowbell.handlers import Handlers
from rowbell.logs import log
from rowbell.task import Claim

EVERY_QUEUE = "*"
OFTEN_SECONDS = 5.0
RETRY_SECONDS = 0.5


class Worker:
    """A service: `run()` until cancelled, best after `drain`; `ready` once it is registered."""

    def __init__(self, database: Database, handlers: Handlers, settings: Settings) -> None:
        self.handlers = handlers
        self.ready = asyncio.Event()
        self.id = 0
        self.attempts = Attempts(database, handlers, settings.slots)
        self._database = database
        self._settings = settings
        self._dispatchers: dict[str, Dispatcher] = {}
        self._group = asyncio.TaskGroup()
        self._draining = False
        self._claiming = 0
        self._claim_lost_at: float | None = None
        self._claim_problem = ""
        self._beat_now = asyncio.Event()

    async def run(self) -> None:
        """Register, then run everything that a worker consists of."""
        await self._register()
        async with self._group:
            self._group.create_task(self.attempts.run(), name="attempts")
            self._group.create_task(self._beat(), name="heartbeat")
            for queue in self._settings.queues:
                if queue != EVERY_QUEUE:
                    self._begin(queue)
            self.ready.set()

    # ---------------------------------------------------------------- what wakes it

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
        """The cancel of a task was asked for; it may run here."""
        self.attempts.end(task_id, Ending.CANCELLED)

    # ---------------------------------------------------------------- dispatchers and claims

    def _dispatcher(self, queue: str) -> Dispatcher | None:
        """The dispatcher of a queue, made on its first bell; None if it is not ours to serve."""
        if queue in self._dispatchers:
            return self._dispatchers[queue]
        serves = EVERY_QUEUE in self._settings.queues
        return self._begin(queue) if serves and not self._draining else None

    def _begin(self, queue: str) -> Dispatcher:
        dispatcher = self._dispatchers[queue] = Dispatcher(
            queue,
            slots=self.attempts.slots,
            claim=self._claim,
            start=self.attempts.start,
            seconds_to_next=self._seconds_to_next,
            # A queue that was found by its name comes back with its next bell.
            retire=None if queue in self._settings.queues else self._retire,
        )
        self._group.create_task(dispatcher.run(), name=f"dispatcher {queue}")
        return dispatcher

    def _retire(self, queue: str) -> None:
        del self._dispatchers[queue]

    async def _claim(self, queue: str, most: int) -> list[Claim]:
        self._claiming += 1
        try:
            return await tasks.claim(self._database, queue, self.id, most, self.handlers.kinds)
        except RowbellError as error:
            # The claim may have been made and its answer lost: the heartbeat sees to that.
            if error.message != self._claim_problem:
                log.warning("claim.failed", queue=queue, reason=error.message)
            self._claim_problem = error.message
            self._claim_lost_at = asyncio.get_running_loop().time()
            self._beat_now.set()
            return []
        finally:
            self._claiming -= 1

    async def _seconds_to_next(self, queue: str) -> float | None:
        try:
            return await workers.next_run_in(self._database, queue, self.handlers.kinds)
        except RowbellError:
            return None  # the heartbeat notices too, and looks when PostgreSQL is back

    # ---------------------------------------------------------------- heartbeat

    async def _register(self) -> None:
        self.id = await workers.register(
            self._database,
            queues=self._settings.queues,
            slots=self._settings.slots,
            lease_seconds=self._settings.lease_seconds,
            handlers=self.handlers,
        )
        log.info(
            "worker.started",
            worker=self.id,
            slots=self._settings.slots,
            queues=" ".join(self._settings.queues),
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
            except RowbellError as error:
                if not failing:
                    log.warning("heartbeat.failed", worker=self.id, reason=error.message)
                failing = True
                if loop.time() - last > self._settings.lease_seconds * 2 / 3:
                    self._fence()
                await asyncio.sleep(RETRY_SECONDS)
            else:
                if failing:
                    log.info("database.recovered")
                    self.look()
                last, failing = loop.time(), False
                await within(self._pause(), self._beat_now)

    def _pause(self) -> float:
        often = min(OFTEN_SECONDS, self._settings.lease_seconds / 6)
        return often if self._claim_lost_at is None else min(often, RETRY_SECONDS)

    async def _beat_once(self) -> None:
        alive = await workers.heartbeat(
            self._database, self.id, busy=self.attempts.slots.busy, draining=self._draining
        )
        if not alive:
            self._fence()
            if not self._draining:
                await self._register()
                self.look()
        if self._claim_lost_at is not None:
            await self._recover_claims(self._claim_lost_at)

    def _fence(self) -> None:
        """By now the tasks may have been given to another worker."""
        if self.attempts:
            log.warning("worker.fenced", worker=self.id, attempts=len(self.attempts))
            self.attempts.end_all(Ending.FENCED)

    async def _recover_claims(self, lost_at: float) -> None:
        """Give back what was claimed for this worker but never arrived here."""
        self.look()
        settled = asyncio.get_running_loop().time() - lost_at > workers.STRAY_SECONDS * 1.5
        if settled and not self._claiming:
            self._claim_lost_at, self._claim_problem = None, ""
            held = self.attempts.held()
            for task_id in await workers.release_strays(self._database, self.id, held):
                log.info("task.released", task=task_id, reason="its claim was lost on the way")

    # ---------------------------------------------------------------- drain

    async def drain(self, grace_seconds: float) -> None:
        """Claim no more, let attempts finish within the grace, release the rest, sign off.

        Nothing of this worker is PROCESSING afterwards, if PostgreSQL answers; what could not be
        written is rescued by another worker's sweep.
        """
        self._draining = True
        log.info("worker.draining", worker=self.id, attempts=len(self.attempts))
        for dispatcher in self._dispatchers.values():
            dispatcher.stop()
        await self.attempts.drain(grace_seconds)
        try:
            await workers.sign_off(self._database, self.id)
        except RowbellError as error:
            log.warning("heartbeat.failed", worker=self.id, reason=error.message)
        log.info("worker.stopped", worker=self.id)
