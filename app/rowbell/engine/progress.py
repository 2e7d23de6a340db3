"""Brings progress to the database: the latest of each attempt, twice a second at the most."""

import asyncio

from rowbell.db import tasks
from rowbell.db.pool import Database
from rowbell.errors import RowbellError
from rowbell.logs import log
from rowbell.task import Claim

PAUSE_SECONDS = 0.5


class Progress:
    """A service: `run()` until cancelled; `report` from the loop or from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._latest: dict[int, tuple[int, float]] = {}
        self._arrived = asyncio.Event()

    def report(self, claim: Claim, fraction: float) -> None:
        self._loop.call_soon_threadsafe(self._keep, claim, fraction)

    def _keep(self, claim: Claim, fraction: float) -> None:
        self._latest[claim.id] = (claim.attempt, fraction)
        self._arrived.set()

    async def run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await self._write()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _write(self) -> None:
        latest, self._latest = sorted(self._latest.items()), {}
        try:
            await tasks.report_progress(
                self._database,
                [task_id for task_id, _ in latest],
                [attempt for _, (attempt, _) in latest],
                [fraction for _, (_, fraction) in latest],
            )
        except RowbellError as error:
            # A later report supersedes this one: nothing to keep.
            log.debug("database.lost", reason=error.message)
