"""Stacks of running handlers: what is asked for at once is one question to the workers."""

import asyncio

from rowbell.db import stacks
from rowbell.db.pool import Database
from rowbell.db.stacks import Stack

ANSWER_SECONDS = 2.0
"""How long a worker may take: one whose event loop is blocked does not answer."""

NO_ANSWER = (
    f"its worker did not answer within {ANSWER_SECONDS:g} s: the task has just ended, or the event"
    " loop of the worker is blocked (its log has loop.blocked with the stack then)."
)


class Stacks:
    """One for each process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wanted: dict[int, asyncio.Future[Stack | None]] = {}

    async def of(self, task_id: int) -> Stack | None:
        """None: nobody answered in time. Raises Unavailable."""
        wanted = self._wanted.get(task_id)
        if wanted is None:
            if not self._wanted:  # the others of the same request follow before the loop turns
                self._asking = asyncio.create_task(self._ask(), name="stacks")
            wanted = self._wanted[task_id] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(wanted)

    async def _ask(self) -> None:
        await asyncio.sleep(0)
        batch, self._wanted = self._wanted, {}
        try:
            found = await stacks.ask(self._database, list(batch), seconds=ANSWER_SECONDS)
        except BaseException as failure:
            for each in batch.values():
                each.set_exception(failure)
                each.exception()  # of some the request may have ended
            if not isinstance(failure, Exception):
                raise
        else:
            for task_id, each in batch.items():
                each.set_result(found.get(task_id))
