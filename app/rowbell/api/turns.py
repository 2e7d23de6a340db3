"""Heavy work of many clients, one piece in each turn of the event loop.

Thirty queries that take 20 ms to parse and arrive together would keep the loop for 600 ms. One
after the other, with everybody else in between, they keep it for 20.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """One for each process."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Within it: one piece of work that does not await."""
        async with self._lock:
            await asyncio.sleep(0)
            yield
            await asyncio.sleep(0)
