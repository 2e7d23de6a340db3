"""Waiting for a task on behalf of a request, for as long as somebody wants the answer."""

import asyncio
from collections.abc import Awaitable
from contextlib import aclosing
from dataclasses import replace

from rowbell.api.subscriptions import Watch
from rowbell.task import Task
from rowbell.viewer import Viewer


async def outcome_of(
    task: Task, watch: Watch, *, viewer: Viewer, seconds: float, gone: Awaitable[None]
) -> Task:
    """The final task, or as it was last seen when the time is up. Raises NotFound if it is deleted.

    Ends early once `gone` has returned, or the process drains: by then its worker has released
    the task, which the watch may not have seen yet, so this takes a last look. While PostgreSQL
    does not answer, the watch looks on, and this waits on: no longer than `seconds`.
    """
    latest = task

    async def follow() -> None:
        nonlocal latest
        async with aclosing(watch.task(task.id, viewer)) as states:
            async for state in states:
                latest = state

    following = asyncio.ensure_future(follow())
    waits = [following, asyncio.ensure_future(gone), asyncio.ensure_future(watch.closing.wait())]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()
        elif watch.closing.is_set():
            latest = await watch.look_at(task.id, viewer) or latest
    finally:
        for each in waits:
            each.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    return replace(latest, conflict=task.conflict)
