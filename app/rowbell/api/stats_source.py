"""Statistics as they change: asked for once, for all who want the same."""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from dataclasses import dataclass
from datetime import timedelta

from rowbell.api.feeds import Batch, Feed
from rowbell.api.sources import Join, Source
from rowbell.db import stats
from rowbell.db.pool import Database
from rowbell.db.stats import Stats
from rowbell.errors import Unavailable


@dataclass(frozen=True, slots=True)
class StatsSource(Source):
    """At once, and then at most every so often."""

    database: Database
    window: timedelta
    every: timedelta
    queue: str | None
    kind: str | None

    @property
    def key(self) -> Hashable:
        return "stats", self.window, self.every, self.queue, self.kind

    def feed(self) -> Feed:
        return StatsFeed(self)

    async def beginning(self, join: Join) -> AsyncGenerator[Stats, None]:
        """Whoever comes does not wait for the next time that the others are told."""
        found = await self.read()
        join()
        if found is not None:
            yield found

    async def read(self) -> Stats | None:
        """None while PostgreSQL does not answer: it goes on once it answers again."""
        try:
            return await stats.stats(
                self.database, window=self.window, queue=self.queue, kind=self.kind
            )
        except Unavailable:
            return None


class StatsFeed(Feed):
    """The statistics every so often, for all to whom they are news."""

    replaces = True
    tells_news_only = True

    def __init__(self, source: StatsSource) -> None:
        super().__init__()
        self._source = source

    async def batches(self) -> AsyncGenerator[Batch, None]:
        while True:
            await asyncio.sleep(self._source.every.total_seconds())
            found = await self._source.read()
            if found is not None:
                yield Batch([found], self.members)
