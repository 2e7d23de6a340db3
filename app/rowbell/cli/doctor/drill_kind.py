"""The handler of the drill: --handlers of its own workers, and of nobody else's."""

import asyncio
import os

from rowbell.context import Context
from rowbell.decorator import task

KIND = os.environ.get("DRILL_KIND", "rowbell_drill")
"""A name of its own for each drill: two at once must not run each other's task."""


@task(kind=KIND)
async def drill(context: Context) -> int:
    """Wait to be stopped in the first attempt, and end at once in the next."""
    if context.attempt == 1:
        await asyncio.Event().wait()
    return context.attempt
