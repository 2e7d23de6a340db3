"""Waiting for a task on the command line: `rowbell enqueue --wait`."""

import asyncio
import math

from rowbell.cli.durations import read_duration
from rowbell.db import overview
from rowbell.db.pool import Database
from rowbell.errors import InvalidArgument, NotFound, Unavailable
from rowbell.task import Task

SHORTEST_SECONDS, LONGEST_SECONDS = 0.02, 1.0
"""Between two looks."""

PROPORTION = 0.1


def read_seconds(text: str) -> float:
    """`30`, or a duration: `5m`. Raises InvalidArgument."""
    try:
        seconds = float(text)
    except ValueError:
        return read_duration(text).total_seconds()
    if not (math.isfinite(seconds) and seconds >= 0):
        raise InvalidArgument(f"{text!r} is no time to wait.", hint="Write it like 30 or 5m.")
    return seconds


async def outcome_of(database: Database, task: Task, *, seconds: float) -> Task:
    """The final task, or as it was last seen when the time is up. Raises NotFound.

    It looks by primary key, after pauses that grow with the time that has passed: the answer is a
    tenth late, a second at the most. Not by LISTEN: changes are told only while somebody holds the
    watch lock, and then every commit of everybody has to send a NOTIFY, which is too much to ask
    for one waiting command. While PostgreSQL does not answer, it looks on. Raises Unavailable if
    it did not answer to the end.
    """
    state, lost = task, None
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(seconds):
            while not state.status.is_final:
                passed = loop.time() - began
                await asyncio.sleep(min(LONGEST_SECONDS, SHORTEST_SECONDS + PROPORTION * passed))
                try:
                    found, lost = await overview.task(database, task.id), None
                except Unavailable as error:
                    lost = error
                    continue
                if found is None:
                    raise NotFound(f"task {task.id} was deleted meanwhile.")
                state = found
    except TimeoutError:
        if lost is not None:
            raise lost from None
    return state
