"""The stream of changes: what was missed since a cursor, then what happens, each exactly once."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from rowbell.api.backlog import Backlog, Change, Wanted
from rowbell.api.cursors import encode_stream
from rowbell.api.reader import PAGE, Reader
from rowbell.db import journal
from rowbell.db.pool import Database
from rowbell.errors import Unavailable
from rowbell.journal import Cursor, Page

CHECKPOINT_SECONDS = 30.0
RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Told:
    """One item of the stream; without an entry it only says how far the stream has come."""

    cursor: str
    change: Change | None = None


class Changes:
    """Carries one subscriber from its cursor to the present, and on with everybody else."""

    def __init__(self, database: Database, reader: Reader, wanted: Wanted) -> None:
        self._database = database
        self._reader = reader
        self._wanted = wanted
        self._seen: Cursor | None = None

    async def told(self, after: Cursor | None) -> AsyncGenerator[Told, None]:
        """Raises CursorExpired, ClientTooSlow."""
        if after is not None:
            async for told in self._past(after):
                yield told
        with self._reader.joined(self._wanted) as backlog:
            start = await backlog.started()
            if self._seen is not None:
                gap = Cursor(self._seen.place, self._seen.snapshot, upto=start.snapshot)
                async for told in self._past(gap):
                    yield told
            yield Told(encode_stream(start))
            async for told in self._present(backlog):
                yield told

    async def _past(self, since: Cursor) -> AsyncGenerator[Told, None]:
        """All that there is, or, from the beginning of a difference, all up to its end."""
        is_bounded = since.upto is not None and since.above == 0
        while True:
            page = await self._page(since)
            for change in await self._changes(page):
                yield Told(change.cursor_text, change)
            self._seen = since = page.cursor
            if page.is_last or (is_bounded and since.upto is None):
                return

    async def _present(self, backlog: Backlog) -> AsyncGenerator[Told, None]:
        while True:
            change = await backlog.take(seconds=CHECKPOINT_SECONDS)
            if change is not None:
                yield Told(change.cursor_text, change)
            elif backlog.seen is not None:
                yield Told(encode_stream(backlog.seen))

    async def _page(self, since: Cursor) -> Page:
        """A restart of PostgreSQL is waited for: it is no reason to end a subscription."""
        while True:
            try:
                return await journal.read(self._database, since, most=PAGE)
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)

    async def _changes(self, page: Page) -> list[Change]:
        wanted = [entry for entry in page.entries if self._wanted(entry)]
        while True:
            try:
                return await self._reader.changes(page, wanted)
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)
