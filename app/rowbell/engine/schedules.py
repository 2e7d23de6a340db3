"""Ticks: enqueues the tasks of schedules when they are due, by the clock of the server.

Every worker process ticks. Whichever moves a schedule on first has enqueued its tasks in the same
transaction, so it needs no leader and no turn.
"""

import asyncio
import contextlib
import random
from datetime import datetime

from rowbell.db import schedules
from rowbell.db.pool import Database
from rowbell.db.schedules import Planned
from rowbell.errors import RowbellError, Unavailable
from rowbell.handlers import Handler, Handlers
from rowbell.logs import log
from rowbell.schedule import Due

LOOK_SECONDS = 30.0
"""Should a bell be missed."""
RETRY_SECONDS = 1.0
DECLARE_SECONDS = 600.0
LEAST_SECONDS = 0.001
NEVER = "no run follows within 50 years"


class Schedules:
    """A service: `run()` until cancelled; `ready` once it has seen what was due before it came."""

    def __init__(self, database: Database, handlers: Handlers) -> None:
        self._database = database
        self._handlers = [handler for handler in handlers if handler.schedule]
        self._wake = asyncio.Event()
        self._declared_at: float | None = None
        self._failing: set[str] = set()
        self._gone: set[str] = set()
        self.ready = asyncio.Event()

    def ring(self) -> None:
        """A schedule was made or changed, or bells may have been missed: look."""
        self._wake.set()

    async def run(self) -> None:
        while True:
            self._wake.clear()  # before the look: a bell rung during it calls for another one
            try:
                await self._declare()
                seconds = await self._look()
                self.ready.set()
            except Unavailable as error:
                log.debug("schedule.failed", reason=error.message)  # the heartbeat says it aloud
                seconds = RETRY_SECONDS
            except RowbellError as error:
                log.error("schedule.failed", reason=str(error))
                seconds = LOOK_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()

    async def _declare(self) -> None:
        """Once what the code says; then, now and then, that it still does."""
        now = asyncio.get_running_loop().time()
        if self._declared_at is not None and now < self._declared_at + DECLARE_SECONDS:
            return
        if self._declared_at is None:
            for handler in self._handlers:
                await self._declare_one(handler)
        elif self._handlers:
            names = [handler.kind for handler in self._handlers]
            await schedules.keep_declared(self._database, names)
        self._declared_at = now
        gone = set(await schedules.undeclared(self._database))
        for name in sorted(gone - self._gone):
            log.warning(
                "schedule.undeclared",
                schedule=name,
                effect="it enqueues nothing",
                remedy="start a worker with its code, or rowbell schedule remove it, or keep it"
                " (source = 'sql')",
            )
        self._gone = gone

    async def _declare_one(self, handler: Handler) -> None:
        """One that PostgreSQL refuses, for example a zone that it does not know, stops no other."""
        try:
            is_kept = await schedules.declare(self._database, [handler])
        except Unavailable:
            raise
        except RowbellError as error:
            log.error("schedule.failed", schedule=handler.kind, reason=str(error))
            return
        if is_kept:
            log.warning(
                "schedule.kept",
                schedule=handler.kind,
                effect="cron=, every= and missed= of the code do nothing",
                remedy="give its row back (source = 'code') and restart a worker, or remove"
                " them from @task",
            )

    async def _look(self) -> float:
        """Do what is due; returns the seconds until the next look."""
        found = await schedules.due(self._database)
        random.shuffle(found)  # so that many processes share many ticks
        seconds = LOOK_SECONDS
        for planned in found:
            ahead = planned.next_run_at and planned.next_run_at - planned.asked_at
            if ahead and ahead.total_seconds() > 0:
                seconds = min(seconds, ahead.total_seconds())
            elif await self._served(planned):
                seconds = 0.0  # its next run may be the next of all: ask again
        return max(seconds, LEAST_SECONDS)

    async def _served(self, planned: Planned) -> bool:
        """Plan or tick; False if that failed, and must not be tried again at once."""
        try:
            if planned.next_run_at is None:
                await self._plan(planned)
            else:
                await self._tick(planned, planned.next_run_at)
        except Unavailable:
            raise
        except RowbellError as error:  # one bad schedule must not hold up the others
            if planned.name not in self._failing:
                log.error("schedule.failed", schedule=planned.name, reason=str(error))
            self._failing.add(planned.name)
            return False
        self._failing.discard(planned.name)
        return True

    async def _plan(self, planned: Planned) -> None:
        try:
            runs = planned.schedule().runs(planned.asked_at, starts_at=planned.starts_at)
            first = next(runs, None)
        except ValueError as error:
            await self._give_up(planned, str(error))
        else:
            problem = None if first else NEVER
            await schedules.plan(self._database, planned, first, problem)

    async def _tick(self, planned: Planned, run_at: datetime) -> None:
        try:
            # In a thread: after a long absence it may have to pass over many runs.
            due = await asyncio.to_thread(
                planned.schedule().due,
                run_at,
                planned.asked_at,
                starts_at=planned.starts_at,
            )
        except ValueError as error:
            await self._give_up(planned, str(error))
            return
        problem = None if due.following else NEVER
        tasks = await schedules.tick(self._database, planned, due.runs, due.following, problem)
        if tasks is not None:  # else another process was first
            _log_tick(planned, due, tasks)

    async def _give_up(self, planned: Planned, problem: str) -> None:
        if planned.next_run_at is None:
            was_first = await schedules.plan(self._database, planned, None, problem)
        else:
            ticked = await schedules.tick(self._database, planned, [], None, problem)
            was_first = ticked is not None
        if was_first:
            log.warning("schedule.unreadable", schedule=planned.name, reason=problem)


def _log_tick(planned: Planned, due: Due, tasks: list[int]) -> None:
    if due.were_missed:
        log.warning(
            "schedule.missed",
            schedule=planned.name,
            since=planned.next_run_at,
            policy=planned.missed,
            tasks=len(tasks),
            dropped="older than the latest 1000" if due.were_dropped else None,
        )
    if len(tasks) < len(due.runs):
        log.info(
            "schedule.skipped",
            schedule=planned.name,
            runs=len(due.runs) - len(tasks),
            reason="its unique_key is taken by an open task",
        )
    if tasks:
        log.info("schedule.ticked", schedule=planned.name, task=tasks[-1], tasks=len(tasks))
