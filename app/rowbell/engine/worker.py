"""Runs tasks: registers, beats, keeps its lease, and drains."""

import asyncio
import contextlib
from collections.abc import Callable

import orjson

from rowbell.config import Settings
from rowbell.db import workers
from rowbell.db.duty import Duty
from rowbell.db.patience import patiently
from rowbell.db.pool import Database
from rowbell.engine.attempt import Ending
from rowbell.engine.attempts import FLUSH_SECONDS, Attempts, within
from rowbell.engine.claims import Claims
from rowbell.engine.dispatchers import Dispatchers
from rowbell.engine.lease import Lease
from rowbell.engine.stacks import tell
from rowbell.errors import RowbellError
from rowbell.handlers import Handlers
from rowbell.logs import log
from rowbell.tally import tally

OFTEN_SECONDS = 5.0
RETRY_SECONDS = 0.5
LONG_SECONDS = 0.5
"""Cancels are listened for while something runs for longer."""
LAST_TRY_SECONDS = 1.0
"""To sign off, where PostgreSQL has not answered during the drain."""


class Worker:
    """A service: `run()` until cancelled, best after `drain`; `ready` once it is registered."""

    def __init__(self, database: Database, handlers: Handlers, settings: Settings) -> None:
        self.handlers = handlers
        self.ready = asyncio.Event()
        self.id = 0
        self.recovered: Callable[[], None] = lambda: None
        """Called when PostgreSQL answers again; it may be another server."""
        self.mind_cancels: Callable[[bool], None] = lambda _: None
        """Called with True while something runs for long, so that its cancel is heard at once."""
        self.attempts = Attempts(database, handlers, settings.slots, settings.process_slots)
        self._database = database
        self._settings = settings
        self._group = asyncio.TaskGroup()
        self._draining = False
        self._silent = False
        self._beat_now = asyncio.Event()
        self._lease = Lease(settings.lease_seconds, self._fence)
        self.duty = Duty(settings.queues, handlers.kinds)
        self._claims = Claims(
            database,
            held=self.attempts.held,
            look=self._look_again,
            failed=self._beat_now.set,
            is_late=lambda: self._lease.is_over,
            nearest=lambda: self.duty.nearest,
        )
        self.dispatchers = Dispatchers(
            settings.queues,
            self.attempts.lanes,
            self._claims,
            self.duty,
            start=self.attempts.start,
            group=self._group,
        )

    async def run(self) -> None:
        """Register, then run everything that a worker consists of."""
        await patiently(self._register)
        async with self._group:
            self._group.create_task(self.attempts.run(), name="attempts")
            self._group.create_task(self._claims.run(), name="claims")
            self._group.create_task(self._beat(), name="heartbeat")
            self._group.create_task(self._watch_long_attempts(), name="long attempts")
            self.dispatchers.begin()
            self.ready.set()

    # ---------------------------------------------------------------- what wakes it

    def cancel(self, task_id: int) -> None:
        """The cancel of a task was asked for; it may run here."""
        self.attempts.end(task_id, Ending.CANCELLED)

    def tell_stack(self, task_id: int) -> None:
        """Somebody asks where the handler of a task is; it may run here."""
        if attempt := self.attempts.running(task_id):
            self._group.create_task(tell(self._database, self.id, attempt), name="stack")

    def see_cancels(self) -> None:
        """Cancels are heard from now on: those that were asked for before are looked up."""
        self._group.create_task(self._see_cancels(), name="cancels")

    async def _see_cancels(self) -> None:
        with contextlib.suppress(RowbellError):  # the next sweep sees them too
            for task_id in await workers.cancel_requests(self._database, self.id):
                self.cancel(task_id)

    async def _watch_long_attempts(self) -> None:
        """Who hears cancels is woken by every bell, so only those do who need to."""
        loop = asyncio.get_running_loop()
        while True:
            await self.attempts.busy.wait()
            since = self.attempts.oldest_began_at()
            self.mind_cancels(since is not None and loop.time() - since > LONG_SECONDS)
            await asyncio.sleep(LONG_SECONDS)

    def _look_again(self) -> None:
        """After a failed claim; not while PostgreSQL is gone, for each look knocks at its door."""
        if not self._silent:
            self.dispatchers.look()

    # ---------------------------------------------------------------- heartbeat

    async def _register(self) -> None:
        sent = asyncio.get_running_loop().time()
        self.id = self._claims.worker = await workers.register(
            self._database,
            queues=self._settings.queues,
            slots=self.attempts.lanes.total,
            lease_seconds=self._settings.lease_seconds,
            handlers=self.handlers,
        )
        self._lease.renew(sent)
        log.info(
            "worker.started",
            worker=self.id,
            slots=self.attempts.lanes.total,
            queues=" ".join(self._settings.queues),
            kinds=" ".join(self.handlers.kinds),
        )

    async def _beat(self) -> None:
        """Say that this worker lives; whoever cannot say so loses its lease."""
        often = min(OFTEN_SECONDS, self._settings.lease_seconds / 6)
        try:
            while True:
                self._beat_now.clear()
                try:
                    await self._beat_once()
                except RowbellError as error:
                    tally.failed_heartbeats += 1
                    if not self._silent:
                        log.warning("heartbeat.failed", worker=self.id, reason=error.message)
                    self._silent = True
                    await asyncio.sleep(RETRY_SECONDS)
                else:
                    if self._silent:
                        log.info("database.recovered")
                        self.dispatchers.look()
                        self.recovered()
                    self._silent = False
                    await within(often, self._beat_now)
        finally:
            self._lease.end()

    async def _beat_once(self) -> None:
        sent = asyncio.get_running_loop().time()
        alive = await workers.heartbeat(
            self._database,
            self.id,
            busy=self.attempts.lanes.busy,
            draining=self._draining,
            counted=self._counted(),
        )
        if not alive:
            self._fence()
            if not self._draining:
                await self._register()
                self.dispatchers.look()
        self._lease.renew(sent)

    def _counted(self) -> str:
        on_duty = {"is_on_duty": self.duty.is_on, "session": self.duty.session}
        return orjson.dumps({**tally.as_json(), **on_duty}).decode()

    def _fence(self) -> None:
        """By now the tasks may have been given to another worker."""
        if ended := self.attempts.end_all(Ending.FENCED):
            log.warning("worker.fenced", worker=self.id, attempts=ended)

    # ---------------------------------------------------------------- drain

    async def drain(self, grace_seconds: float) -> None:
        """Claim no more, let attempts finish within the grace, release the rest, sign off.

        Nothing of this worker is PROCESSING afterwards, if PostgreSQL answers; what could not be
        written is rescued by another worker's sweep.
        """
        self._draining = True
        log.info("worker.draining", worker=self.id, attempts=len(self.attempts))
        self.dispatchers.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._claims.stop()
        answers = await self.attempts.drain(grace_seconds)
        try:
            async with asyncio.timeout(FLUSH_SECONDS if answers else LAST_TRY_SECONDS):
                await workers.sign_off(self._database, self.id)
        except (RowbellError, TimeoutError) as error:
            log.warning(
                "worker.cut_off",
                worker=self.id,
                tasks=len(self.attempts.held()),
                reason=getattr(error, "message", "PostgreSQL did not answer in time."),
            )
        else:
            log.info("worker.stopped", worker=self.id)
