"""The handlers of the chaos run, imported by `rowbell worker --handlers faults.chaos.kinds`."""

import asyncio
import os
import random
import time
from contextlib import AbstractContextManager
from pathlib import Path

from pydantic import BaseModel

from rowbell import Context, task

from faults.chaos.limits import FEW
from faults.chaos.record import FOLDER, Pen

pen = Pen(Path(os.environ[FOLDER]))
SLICE_SECONDS = 0.02
"""How often a thread looks whether it should end."""


class Work(BaseModel):
    number: int
    seconds: float = 0
    group: str = ""


class Unlucky(Exception):
    """Raised at random."""


def recorded(work: Work, context: Context) -> AbstractContextManager[None]:
    return pen.attempt(context.task_id, context.attempt, work.number, work.group)


@task(max_attempts=9)
async def chaos_noop(work: Work, context: Context) -> int:
    """Nothing but its record."""
    with recorded(work, context):
        return work.number


@task(max_attempts=9)
async def chaos_sleep(work: Work, context: Context) -> int:
    """Sleep on the event loop."""
    with recorded(work, context):
        await asyncio.sleep(work.seconds)
        return work.number


@task(max_attempts=4, backoff=[0.05, 0.3])
async def chaos_fail(work: Work, context: Context) -> int:
    """Fail, more often than not in the end."""
    with recorded(work, context):
        await asyncio.sleep(work.seconds)
        if random.random() < 0.4:
            raise Unlucky
        return work.number


@task(max_attempts=9, backoff=[0.1])
async def chaos_effect(work: Work, context: Context) -> None:
    """Leave an effect in the database, together with the completion."""
    with recorded(work, context):
        await asyncio.sleep(work.seconds)
        async with context.transaction() as tx:
            await tx.execute(
                "insert into chaos.effects (task_id, attempt, process) values ($1, $2, $3)",
                context.task_id,
                context.attempt,
                os.getpid(),
            )
            context.result(work.number)


@task(max_attempts=9)
def chaos_thread(work: Work, context: Context) -> int:
    """Sleep in a thread, which looks now and then whether it should end."""
    with recorded(work, context):
        until = time.monotonic() + work.seconds
        while time.monotonic() < until and not context.is_cancelled:
            time.sleep(SLICE_SECONDS)
        return work.number


@task(max_attempts=9, max_running=FEW)
async def chaos_few(work: Work, context: Context) -> int:
    """One of a kind of which few run at once."""
    with recorded(work, context):
        await asyncio.sleep(work.seconds)
        return work.number
