"""Waiting for a PostgreSQL that is not there yet: a process may start before its server."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rowbell.errors import Unavailable
from rowbell.logs import log

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.1
MOST_PAUSE_SECONDS = 1.0

T = TypeVar("T")


async def patiently(ask: Callable[[], Awaitable[T]], seconds: float = PATIENCE_SECONDS) -> T:
    """What `ask` returns once PostgreSQL answers; why it does not is logged when it changes.

    Raises Unavailable if that takes too long, and at once what waiting does not mend: a wrong
    password, a database that does not exist.
    """
    loop = asyncio.get_running_loop()
    until, pause, reason = loop.time() + seconds, PAUSE_SECONDS, ""
    while True:
        try:
            answer = await ask()
        except Unavailable as error:
            if loop.time() + pause > until:
                raise
            if error.message != reason:
                left = round(until - loop.time())
                log.warning("database.awaited", reason=error.message, for_seconds=left)
            reason = error.message
        else:
            if reason:
                log.info("database.recovered")
            return answer
        await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - no secret
        pause = min(pause * 2, MOST_PAUSE_SECONDS)
