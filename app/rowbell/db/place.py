"""Where the data is, and how a process gets there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rowbell.config import Settings
from rowbell.db.embedded import EmbeddedPostgres
from rowbell.db.migrate import migrate
from rowbell.db.patience import patiently
from rowbell.db.pool import Database
from rowbell.logs import log


@dataclass(frozen=True, slots=True)
class Place:
    """Where the data is."""

    url: str
    embedded: EmbeddedPostgres | None = None


@asynccontextmanager
async def placed(settings: Settings) -> AsyncIterator[Place]:
    """The database of the settings; the embedded one is joined, and left again at the end."""
    if settings.database_url:
        yield Place(settings.database_url)
        return
    embedded = await asyncio.to_thread(EmbeddedPostgres.join, settings.home)
    try:
        yield Place(embedded.url, embedded)
    finally:
        await asyncio.to_thread(embedded.leave)


@asynccontextmanager
async def opened(
    place: Place, *, name: str, patience_seconds: float = 0
) -> AsyncIterator[Database]:
    """Connections to a database whose schema is brought up to date first.

    patience_seconds: how long a server that is not there yet is waited for.
    """
    if applied := await patiently(lambda: migrate(place.url), patience_seconds):
        log.info("schema.migrated", files=len(applied))
    database = await patiently(lambda: Database.open(place.url, name=name), patience_seconds)
    try:
        yield database
    finally:
        await database.close()
