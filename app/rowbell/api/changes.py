"""The stream of changes: what was missed since a cursor, then what happens, each exactly once."""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from dataclasses import dataclass

from rowbell.api.backlog import Change, Wanted
from rowbell.api.cursors import encode_stream
from rowbell.api.feeds import ChangeFeed, Feed
from rowbell.api.reader import PAGE
from rowbell.api.sources import Join, Source
from rowbell.api.subscriptions import Watch
from rowbell.db import journal
from rowbell.db.pool import Database
from rowbell.errors import Unavailable
from rowbell.journal import Cursor, Page, Scope
from rowbell.task import Filter
from rowbell.viewer import Viewer

RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Told:
    """One item of the stream; without a change it only says how far the stream has come."""

    cursor: str
    change: Change | None = None


def _told(change: Change) -> Told:
    return Told(change.cursor, change)


def _checkpoint(reached: Cursor) -> Told:
    return Told(encode_stream(reached))


@dataclass(frozen=True, slots=True)
class ChangesSource(Source):
    """The changes that match a filter. Carries a subscriber from its cursor to the present."""

    database: Database
    watch: Watch
    selected: Filter
    after: Cursor | None
    viewer: Viewer

    @property
    def key(self) -> Hashable:
        return "changes", repr(self.selected)

    def feed(self) -> Feed:
        return ChangeFeed(self.watch, self._wanted, _told, _checkpoint)

    @property
    def _wanted(self) -> Wanted:
        return Wanted(self.viewer, self.selected)

    async def beginning(self, join: Join) -> AsyncGenerator[Told, None]:
        """Raises CursorExpired, ClientTooSlow."""
        seen = None
        if self.after is not None:
            async for reached, told in self._past(self.after):
                for each in told:
                    yield each
                seen = reached
        start = await join().started()
        if seen is not None:
            gap = Cursor(seen.place, seen.snapshot, upto=start.snapshot)
            async for _, told in self._past(gap):
                for each in told:
                    yield each
        yield _checkpoint(start)

    async def _past(self, since: Cursor) -> AsyncGenerator[tuple[Cursor, list[Told]], None]:
        """All that there is, or, from the beginning of a difference, all up to its end.

        Page by page, each with what has been seen by its end.
        """
        is_bounded = since.upto is not None and since.above == 0
        while True:
            page = await self._page(since)
            since = page.cursor
            yield since, [_told(change) for change in await self._changes(page)]
            if page.is_last or (is_bounded and since.upto is None):
                return

    async def _page(self, since: Cursor) -> Page:
        """A restart of PostgreSQL is waited for: it is no reason to end a subscription."""
        within = Scope.of([self.selected])
        while True:
            try:
                return await journal.read(self.database, since, most=PAGE, within=within)
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)

    async def _changes(self, page: Page) -> list[Change]:
        wanted = [entry for entry in page.entries if self._wanted.has(entry)]
        while True:
            try:
                return await self.watch.reader.changes(page, wanted)
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)
