"""What pages watch, read once a period for all of them, and only while somebody watches."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

from rowbell.errors import RowbellError, Unavailable
from rowbell.logs import log

T = TypeVar("T")


class Reading(Generic[T]):
    """One value that any number of subscribers watch."""

    def __init__(self, read: Callable[[], Awaitable[T]], forget: Callable[[], None]) -> None:
        """forget: called when the last subscriber has left."""
        self._read = read
        self._forget = forget
        self._periods: list[float] = []
        self._told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hurry = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._value: T | None = None
        self._failure: RowbellError | None = None
        self._version = 0

    async def watched(self, every: float) -> AsyncGenerator[T, None]:
        """The value at once, then each other one. Raises what the first read raises."""
        if self._periods and every < min(self._periods):
            self._hurry.set()
        self._periods.append(every)
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="reading")
        seen = 0
        try:
            while True:
                while self._version == seen:
                    await asyncio.shield(self._told)
                seen = self._version
                if self._failure is not None:
                    raise self._failure
                yield self._value  # type: ignore[misc]  # it has been read: its version is not 0
                await asyncio.sleep(every - min(self._periods))  # one who asked for seldom
        finally:
            self._periods.remove(every)
            if not self._periods and self._running:
                self._running.cancel()
                self._running = None
                self._forget()

    async def _run(self) -> None:
        """Ends with its last subscriber; what a read raises costs a period."""
        while True:
            try:
                value = await self._read()
            except Unavailable as error:
                if not self._version:
                    self._tell(failure=error)
            except RowbellError as error:
                self._tell(failure=error)
            except Exception as error:  # noqa: BLE001 - whoever watches must hear of it
                log.exception("api.failed", by="reading")
                self._tell(failure=RowbellError(f"reading failed: {type(error).__name__}."))
            else:
                if not self._version or self._failure or value != self._value:
                    self._value = value
                    self._tell()
            await self._pause()

    async def _pause(self) -> None:
        """For a period, or until somebody comes who wants it more often."""
        self._hurry.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(self._periods)):
                await self._hurry.wait()

    def _tell(self, failure: RowbellError | None = None) -> None:
        self._failure = failure
        self._version += 1
        told, self._told = self._told, asyncio.get_running_loop().create_future()
        told.set_result(None)


class Readings:
    """One for each process: readings by what they read."""

    def __init__(self) -> None:
        self._readings: dict[Hashable, Reading[Any]] = {}

    def __len__(self) -> int:
        """That are watched."""
        return len(self._readings)

    async def watched(
        self, key: Hashable, read: Callable[[], Awaitable[T]], every: float
    ) -> AsyncGenerator[T, None]:
        """As Reading.watched, shared by all who give an equal key."""
        reading = self._readings.get(key)
        if reading is None:
            reading = self._readings[key] = Reading(read, lambda: self._readings.__delitem__(key))
        watched = reading.watched(every)
        try:
            async for value in watched:
                yield value
        finally:
            await watched.aclose()
