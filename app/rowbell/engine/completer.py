"""Takes outcomes, and hands them to the writer in batches: what ended meanwhile makes the next."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext

from rowbell.db.pool import Database
from rowbell.engine.attempt import Outcome
from rowbell.engine.writer import Writer
from rowbell.errors import Unavailable
from rowbell.logs import log

BATCH = 500
PILE = 100
"""With so many outcomes that wait, a second batch is written beside the first: PostgreSQL works at
one of them while the other waits for the disk, or for its answer to be read here."""
BACKLOG = 2_000
"""Outcomes that may wait; beyond it, slots stay taken until PostgreSQL has caught up."""
PAUSE_SECONDS = 0.2
MOST_PAUSE_SECONDS = 2.0


class Completer:
    """A service: `run()` until cancelled; `put` hands an outcome over."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = Writer(database)
        self._outcomes: list[Outcome] = []
        self._writing: tuple[list[Outcome], list[Outcome]] = ([], [])
        self._arrived = asyncio.Event()
        self._piled = asyncio.Event()
        self._room = asyncio.Event()
        self.settled = asyncio.Event()
        """Set while every outcome is written."""
        self._count()

    async def put(self, outcome: Outcome) -> None:
        """Hand over; waits only while the backlog is full."""
        if not self._room.is_set():
            await self._room.wait()
        self._outcomes.append(outcome)
        self.settled.clear()
        self._arrived.set()
        if len(self._outcomes) in (PILE, BACKLOG):
            self._count()

    def held(self) -> list[int]:
        """Ids of tasks whose outcomes are not written yet."""
        first, second = self._writing
        return [outcome.claim.id for outcome in (*self._outcomes, *first, *second)]

    async def run(self) -> None:
        """Write until cancelled. What cannot be written is tried again, for ever."""
        first, second = self._writing
        async with asyncio.TaskGroup() as writers:
            writers.create_task(self._keep_writing(first, self._arrived, nullcontext))
            # One connection stays free for outcomes; for a second one handlers must leave a turn.
            spare = self._database.spare
            writers.create_task(self._keep_writing(second, self._piled, spare))

    async def _keep_writing(
        self,
        batch: list[Outcome],
        due: asyncio.Event,
        turn: Callable[[], AbstractAsyncContextManager[None]],
    ) -> None:
        while True:
            await due.wait()
            async with turn():
                batch[:], self._outcomes = self._outcomes[:BATCH], self._outcomes[BATCH:]
                self._count()
                await self._write_until_answered(batch)
                # What a trigger of somebody refuses goes to the back, and holds up nothing.
                self._outcomes += [outcome for outcome in batch if not outcome.is_settled]
                batch.clear()
                self._count()

    def _count(self) -> None:
        """Say what the number of outcomes that wait means to those who wait for it."""
        number = len(self._outcomes)
        _set(self._arrived, when=number > 0)
        _set(self._piled, when=number >= PILE)
        _set(self._room, when=number < BACKLOG)
        _set(self.settled, when=number == 0 and not any(self._writing))

    async def _write_until_answered(self, batch: list[Outcome]) -> None:
        pause = PAUSE_SECONDS
        while True:
            try:
                await self._writer.write(batch)
            except Unavailable as error:
                log.warning("completer.failed", outcomes=len(batch), reason=error.message)
                await asyncio.sleep(pause)
                pause = min(pause * 2, MOST_PAUSE_SECONDS)
            else:
                return


def _set(event: asyncio.Event, *, when: bool) -> None:
    if when:
        event.set()
    else:
        event.clear()
