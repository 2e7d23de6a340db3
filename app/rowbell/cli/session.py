"""A short command's time with the database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from rowbell.config import Settings
from rowbell.db.pool import Database

T = TypeVar("T")


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Database]:
    """Connections to the configured database; the embedded server is joined meanwhile.

    Raises ConfigurationError, Unavailable.
    """
    from rowbell.db.place import opened, placed  # noqa: PLC0415 - `--help` need not load it

    async with placed(settings) as place, opened(place, name="rowbell command") as database:
        yield database


def run(settings: Settings, ask: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """What `ask` returns, when it is given the configured database."""

    async def connect_and_ask() -> T:
        async with connected(settings) as database:
            return await ask(database)

    return asyncio.run(connect_and_ask())
