"""Claims, one statement at a time: a heartbeat, on the same connection, is always the next.

What a bell announces is claimed on the connection that heard it, for its process is awake already.
"""

import asyncio
from collections.abc import Callable
from enum import Enum, auto

from rowbell.db import tasks, workers
from rowbell.db.pool import Database
from rowbell.db.session import Session
from rowbell.errors import RowbellError, Unavailable
from rowbell.logs import log
from rowbell.tally import tally
from rowbell.task import Claim

RETRY_SECONDS = 0.5


class Cause(Enum):
    """What made somebody look."""

    LOOK = auto()
    BELL = auto()
    SWEEP = auto()
    """It saw tasks that are due for a while, and that no bell had announced."""


class Claims:
    """A service: `run()` until cancelled; it gives back what was claimed but never arrived."""

    def __init__(
        self,
        database: Database,
        *,
        held: Callable[[], list[int]],
        look: Callable[[], None],
        failed: Callable[[], None],
        is_late: Callable[[], bool],
        nearest: Callable[[], Session | None],
    ) -> None:
        """held: ids of the tasks that arrived. look, failed: called after a claim has failed.

        is_late: whether what was claimed may have been given to others. nearest: the connection
        that hears bells, if it is free.
        """
        self.worker = 0
        self._database = database
        self._held = held
        self._look = look
        self._failed = failed
        self._is_late = is_late
        self._nearest = nearest
        self._turn = asyncio.Lock()
        self._stopping = False
        self._lost = asyncio.Event()
        self._lost_at = 0.0
        self._problem = ""

    async def claim(self, queue: str, most: int, cause: Cause, *, kinds: list[str]) -> list[Claim]:
        """Up to so many attempts; none if it fails, and then the queue is looked at again."""
        async with self._turn:
            if self._stopping:
                return []
            try:
                claims = await tasks.claim(
                    self._database,
                    queue,
                    self.worker,
                    most,
                    kinds,
                    by_sweep=cause is Cause.SWEEP,
                    session=self._nearest() if cause is Cause.BELL else None,
                )
                if claims and self._is_late():
                    raise Unavailable("the answer to a claim came after the lease was over.")
                return claims
            except RowbellError as error:
                # The claim may have been made and its answer lost.
                tally.failed_looks += 1
                if error.message != self._problem:
                    log.warning("claim.failed", queue=queue, reason=error.message)
                self._problem = error.message
                self._lost_at = asyncio.get_running_loop().time()
                self._lost.set()
                self._failed()
                return []

    async def seconds_to_next(self, queue: str, kinds: list[str]) -> float | None:
        """Until the next scheduled task of a queue is due; None: none is, or nobody knows."""
        async with self._turn:
            try:
                return await workers.next_run_in(self._database, queue, kinds)
            except RowbellError:
                return None  # the heartbeat notices too, and looks when PostgreSQL is back

    async def stop(self) -> None:
        """Claim no more; returns when what was claimed last has been started."""
        self._stopping = True
        async with self._turn:
            pass

    async def run(self) -> None:
        """After a claim has failed: look again, and once no claim can be on its way, give back."""
        while True:
            await self._lost.wait()
            await asyncio.sleep(RETRY_SECONDS)
            self._look()
            if asyncio.get_running_loop().time() - self._lost_at > workers.STRAY_SECONDS * 1.5:
                async with self._turn:
                    await self._give_back()

    async def _give_back(self) -> None:
        try:
            strays = await workers.release_strays(self._database, self.worker, self._held())
        except RowbellError:
            return  # they are still there at the next turn
        self._lost.clear()
        self._problem = ""
        for task_id in strays:
            log.info("task.released", task=task_id, reason="its claim was lost on the way")
