"""Catches what no bell announced: due rows, silent workers, unknown kinds, old rows.

Every worker process sweeps. A sweep changes nothing that another one is changing, so it needs no
leader. Who waits for the chair shares the turns with the others who do: the one on duty takes all
of its own, and fifty idle workers need not look ten times a second.
"""

import asyncio
import contextlib
import random
from math import inf

from rowbell.config import Settings
from rowbell.db import journal, workers
from rowbell.db.pool import Database
from rowbell.engine.worker import Worker
from rowbell.errors import Unavailable
from rowbell.logs import log
from rowbell.tally import tally

MISSED_SECONDS = 1.0
"""A row that is due for longer than this should have been claimed, had a bell been heard."""
PRUNE = 5_000
BELL_EFFECT = "tasks wait for the next sweep; what the journal misses is told to nobody"
RETRY_SECONDS = 1.0
RARELY_SECONDS = 60.0
MOST_TURNS = 6
"""However many wait for the chair, each sweeps once within so many turns."""


class Sweeper:
    """A service: `run()` until cancelled; `ready` once it has seen what waited before it came."""

    def __init__(self, database: Database, worker: Worker, settings: Settings) -> None:
        self._database = database
        self._worker = worker
        worker.recovered = self.sweep_soon
        self._settings = settings
        self._bell_problem: str | None = None
        self._unknown: set[str] = set()
        self._now = asyncio.Event()
        self._queues_only = False
        self.ready = asyncio.Event()
        self._rare_at = 0.0
        self._at_most = inf
        self._crew = 1
        """Live workers with the queues and kinds of this one."""

    @property
    def turns(self) -> int:
        """This worker takes one of so many."""
        return 1 if self._worker.duty.answers else min(max(1, self._crew - 1), MOST_TURNS)

    def sweep_soon(self) -> None:
        """Do not wait for the next turn: the listener is (back) here, and bells were missed."""
        self.ready.clear()
        self._queues_only = False
        self._now.set()

    def find_queues(self) -> None:
        """Wake dispatchers where tasks are due: nobody may have answered their bells."""
        self._queues_only = not self._now.is_set()
        self.ready.clear()
        self._now.set()

    async def run(self) -> None:
        while True:
            self._now.clear()
            self._at_most = inf
            try:
                if self._queues_only:
                    self._queues_only = False
                    await self._look_for_missed_bells()
                else:
                    await self._sweep()
                await self._look_ahead()
                tally.sweeps += 1
            except Unavailable as error:
                tally.failed_sweeps += 1
                log.debug("sweep.failed", reason=error.message)  # the heartbeat says it aloud
                self.ready.clear()  # what the next one finds, no bell can have announced
                self._at_most = RETRY_SECONDS
            except Exception as error:  # noqa: BLE001 - a sweep must never be the last one
                tally.failed_sweeps += 1
                log.error("sweep.failed", reason=repr(error), exc_info=error)
            await self._rest()

    async def _rest(self) -> None:
        """Until it is this worker's turn, or there is something to see."""
        loop = asyncio.get_running_loop()
        latest = loop.time() + self._at_most
        passed = 0
        while passed < self.turns and not self._now.is_set() and loop.time() < latest:
            pause = self._settings.sweep_seconds * random.uniform(0.8, 1.2)  # noqa: S311
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(pause, latest - loop.time())):
                    await self._now.wait()
            passed += 1

    async def _sweep(self) -> None:
        await self._look_for_missed_bells()
        if len(self._worker.attempts):
            for task_id in await workers.cancel_requests(self._database, self._worker.id):
                self._worker.cancel(task_id)
        for rescue in await workers.rescue(self._database):
            tally.tasks_rescued += rescue.tasks
            log.warning(
                "sweep.rescued",
                worker=rescue.worker,
                host=rescue.host,
                process=rescue.process,
                tasks=rescue.tasks,
                failed=rescue.poisoned,
            )
        await journal.fold(self._database)
        now = asyncio.get_running_loop().time()
        if now >= self._rare_at:
            self._rare_at = now + RARELY_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311
            await workers.tell_clock(self._database, self._worker.id)
            await self._check_bell()
            if missed := await workers.meet_missed(self._database):
                log.warning("sweep.met", parents=missed)
            await self._prune()
            if dropped := await journal.keep(self._database, days=self._settings.journal_days):
                log.info("journal.dropped", days=dropped)

    async def _look_ahead(self) -> None:
        """Tasks of a worker that died must not wait for a sweep beyond the end of its lease."""
        seconds, self._crew = await workers.outlook(self._database, self._worker.id)
        if seconds is not None:
            # Every process wakes up for it: jitter. Never at once: its row may be locked.
            self._at_most = max(seconds, 0) + random.uniform(0.2, 0.5)  # noqa: S311

    async def _look_for_missed_bells(self) -> None:
        coming = await workers.waiting_queues(self._database)
        waiting = [w for w in coming if w.seconds >= 0]
        known = set(self._worker.handlers.kinds)
        if self._worker.duty.answers:
            for queue in {w.queue for w in coming if w.seconds < 0 and w.kind in known}:
                self._worker.dispatchers.expect(queue)
        for queue in {w.queue for w in waiting if w.kind is None or w.is_limited}:
            self._worker.dispatchers.bell(queue)
        due = {w.queue: w.seconds for w in waiting if w.kind in known and not w.is_limited}
        if not self.ready.is_set():
            for queue in due:  # these were rung while nobody listened: no bell is to blame
                self._worker.dispatchers.bell(queue)
            self.ready.set()
        elif missed := {queue for queue, seconds in due.items() if seconds > MISSED_SECONDS}:
            await self._check_bell()
            self._worker.dispatchers.swept(missed)
        await self._tell_of_unknown({w.kind for w in waiting if w.kind} - known)

    async def _tell_of_unknown(self, strange: set[str]) -> None:
        if strange - self._unknown:
            strange -= await workers.live_kinds(self._database)
            for kind in sorted(strange - self._unknown):
                log.warning(
                    "kind.unknown",
                    kind=kind,
                    effect="its tasks wait",
                    remedy="start a worker with --handlers and the module that has this kind",
                )
        self._unknown = strange

    async def _check_bell(self) -> None:
        problem = await workers.bell_problem(self._database)
        if problem and problem != self._bell_problem:
            log.warning("bell.disabled", effect=BELL_EFFECT, remedy=problem)
        self._bell_problem = problem

    async def _prune(self) -> None:
        pruned = 0
        while deleted := await workers.prune(
            self._database, older_than_days=self._settings.retention_days, most=PRUNE
        ):
            pruned += deleted
        if pruned:
            log.info("sweep.pruned", tasks=pruned)
