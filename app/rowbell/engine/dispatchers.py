"""The dispatchers of a worker: one for each queue and lane, made on the first bell."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

from rowbell.db.duty import Duty
from rowbell.engine.claims import Claims
from rowbell.engine.dispatcher import Dispatcher
from rowbell.engine.lanes import Lane, Lanes
from rowbell.task import Claim

EVERY_QUEUE = "*"


class Dispatchers:
    """Passes on what wakes them; they run in the group of their worker."""

    def __init__(
        self,
        queues: tuple[str, ...],
        lanes: Lanes,
        claims: Claims,
        duty: Duty,
        *,
        start: Callable[[list[Claim]], None],
        group: asyncio.TaskGroup,
    ) -> None:
        """queues: those that are served; `*` is every queue. start: what runs a claim."""
        self._queues = queues
        self._lanes = lanes
        self._claims = claims
        self._duty = duty
        self._start = start
        self._group = group
        self._running: dict[tuple[str, int], Dispatcher] = {}
        self._stopping = False

    def begin(self) -> None:
        """Those of the queues that are named."""
        for queue in self._queues:
            if queue != EVERY_QUEUE:
                self.expect(queue)

    def bell(self, queue: str) -> None:
        """A queue got due tasks; `*`: any queue may have."""
        if queue == EVERY_QUEUE:
            self.look()
        for dispatcher in self._of(queue):
            dispatcher.ring()

    def look(self) -> None:
        """Bells may have been missed: every queue looks."""
        for dispatcher in self._running.values():
            dispatcher.look()

    def swept(self, queues: set[str]) -> None:
        """A sweep saw tasks in these queues that are due for a while."""
        for queue in queues:
            for dispatcher in self._of(queue):
                dispatcher.sweep()

    def expect(self, queue: str) -> None:
        """Tasks of a queue are due soon: somebody must be there to wake up for them."""
        list(self._of(queue))

    def stop(self) -> None:
        """Claim no more, and let somebody else answer the bell."""
        self._stopping = True
        self._duty.want(False)
        for dispatcher in self._running.values():
            dispatcher.stop()

    def _of(self, queue: str) -> Iterator[Dispatcher]:
        """The dispatchers of a queue; none if it is not ours to serve."""
        is_served = queue in self._queues or EVERY_QUEUE in self._queues
        if self._stopping or not is_served or queue == EVERY_QUEUE:
            return
        for number, lane in enumerate(self._lanes):
            yield self._running.get((queue, number)) or self._make(queue, number, lane)

    def _make(self, queue: str, number: int, lane: Lane) -> Dispatcher:
        dispatcher = self._running[queue, number] = Dispatcher(
            queue,
            lane,
            self._duty,
            claim=partial(self._claims.claim, kinds=lane.kinds),
            start=self._start,
            seconds_to_next=lambda queue: self._claims.seconds_to_next(queue, lane.kinds),
            # A queue that was found by its name comes back with its next bell.
            retire=None if queue in self._queues else lambda _: self._retire(queue, number),
            full=self._hand_on,
            free=lambda: self._duty.want(not self._stopping),
        )
        self._group.create_task(dispatcher.run(), name=f"dispatcher {queue}")
        return dispatcher

    async def _hand_on(self) -> None:
        """In one lane no slot is free: somebody else may have some."""
        if all(lane.slots.free <= 0 for lane in self._lanes):
            self._duty.want(False)
        await self._duty.hand_on()

    def _retire(self, queue: str, number: int) -> None:
        del self._running[queue, number]
