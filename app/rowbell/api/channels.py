"""Equal subscriptions of viewers who see the same are one: executed once, sent to all."""

import asyncio
from collections.abc import Callable, Hashable, Iterator
from contextlib import aclosing, contextmanager

from rowbell.api.execution import Execution, Payload
from rowbell.api.feeds import Batch, Feed
from rowbell.api.outbox import Outbox

SLICE = 200
"""Members that are sent something before others get their turn on the event loop."""


class Channel:
    """One feed, executed for the first who came, and all who joined later."""

    def __init__(self, feed: Feed, execution: Execution) -> None:
        self.feed = feed
        self._execution = execution

    async def run(self) -> None:
        """Until the feed ends, and with it everybody who has joined it."""
        failure: Exception | None = None
        try:
            async with aclosing(self.feed.batches()) as batches:
                async for batch in batches:
                    await self._tell(batch)
        except Exception as error:  # noqa: BLE001 - whatever it was, the clients hear of it
            failure = error
        for outbox in self.feed.members:
            outbox.end(failure)

    async def _tell(self, batch: Batch) -> None:
        payloads: list[Payload] = [await self._execution.payload(each) for each in batch.events]
        members = list(batch.to)
        for start in range(0, len(members), SLICE):
            for outbox in members[start : start + SLICE]:
                if not self.feed.tells_news_only or outbox.is_news(payloads[-1]):
                    outbox.put(payloads, replacing=self.feed.replaces)
            await asyncio.sleep(0)


class Channels:
    """Those of one process."""

    def __init__(self) -> None:
        self._open: dict[Hashable, tuple[Channel, asyncio.Task[None]]] = {}

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def joined(self, key: Hashable, outbox: Outbox, make: Callable[[], Channel]) -> Iterator[None]:
        """For one who subscribes; `make` is for the first, the others share what it has made."""
        channel, running = self._open.get(key) or self._begin(key, make())
        channel.feed.join(outbox)
        try:
            yield
        finally:
            channel.feed.leave(outbox)
            if not channel.feed.members:
                running.cancel()
                self._forget(key, channel)

    def _begin(self, key: Hashable, channel: Channel) -> tuple[Channel, "asyncio.Task[None]"]:
        running = asyncio.create_task(self._run(key, channel), name="channel")
        self._open[key] = channel, running
        return self._open[key]

    async def _run(self, key: Hashable, channel: Channel) -> None:
        await channel.run()
        self._forget(key, channel)  # at once: nobody must join what has ended

    def _forget(self, key: Hashable, channel: Channel) -> None:
        if key in self._open and self._open[key][0] is channel:
            del self._open[key]
