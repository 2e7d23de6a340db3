"""A flag that one task waits for, for a while."""

import asyncio


class Wake:
    """An Event with a deadline: half of what asyncio.timeout() and Event.wait() take together."""

    def __init__(self) -> None:
        self._is_set = False
        self._waiter: asyncio.Future[None] | None = None

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        self._stir()

    def clear(self) -> None:
        self._is_set = False

    async def wait(self) -> None:
        await self._wait(None)

    async def within(self, seconds: float) -> bool:
        """Wait for so long at the most; whether it is set."""
        await self._wait(seconds)
        return self._is_set

    async def _wait(self, seconds: float | None) -> None:
        if self._is_set:
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = None if seconds is None else loop.call_later(seconds, self._stir)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer:
                timer.cancel()

    def _stir(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
