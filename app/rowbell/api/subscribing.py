"""One subscription of one client: its own beginning, then what it shares with others."""

from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import ExitStack, aclosing
from typing import Any

from rowbell.api.channels import Channel, Channels
from rowbell.api.execution import Execution
from rowbell.api.outbox import Line, Outbox
from rowbell.api.sources import Source


class Subscription:
    """Accepted, and not begun yet."""

    def __init__(
        self,
        source: Source | AsyncGenerator[Any, None],
        execution: Execution,
        channels: Channels,
        *,
        selection: Hashable,
        share: Callable[[], Execution],
        seconds: float,
    ) -> None:
        """A source that is a generator is told to this client alone.

        `selection` is equal where the same event makes the same answer; `share` makes what
        executes for all; `seconds`: how long the client may leave unread what it is sent.
        """
        self._source = source
        self._execution = execution
        self._channels = channels
        self._selection = selection
        self._share = share
        self._seconds = seconds

    async def run(self, line: Line) -> None:
        """Until its end. Raises Deaf, and whatever ends it."""
        outbox = Outbox(line, self._seconds)
        with ExitStack() as joined:
            async with aclosing(self._events(outbox, joined)) as events:
                async for event in events:
                    await outbox.send(await self._execution.payload(event))
            if isinstance(self._source, Source):
                await outbox.run()

    def _events(self, outbox: Outbox, joined: ExitStack) -> AsyncGenerator[Any, None]:
        if not isinstance(self._source, Source):
            return self._source
        source = self._source

        def join() -> Outbox:
            key = (source.key, self._selection)
            channel = self._channels.joined(
                key, outbox, lambda: Channel(source.feed(), self._share())
            )
            joined.enter_context(channel)
            return outbox

        return source.beginning(join)
