"""Slots for each kind of place: what waits for a free process must not hold up the rest."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

from rowbell.engine.attempt import Attempt
from rowbell.engine.slots import Slots
from rowbell.handlers import Handlers

AHEAD = 2
"""For each process one task runs and one waits: the next begins without a claim in between, and
other workers find the rest."""

AHEAD_OF_SHORT = 19
"""While tasks are short, so many more than run are claimed for each slot: a claim of a hundred that
are done in a millisecond would wait for the disk most of the time."""
SHORT_SECONDS = 0.005
"""What was claimed ahead gets its slot in a tenth of a second."""
UNKNOWN_SECONDS = 1.0
WEIGHT = 0.02
"""Of the latest attempt in the mean: some 230 short ones in a row make tasks short."""
LATE_SECONDS = 0.1
"""What was claimed ahead and gets no slot in that time is given back: others may have some."""


class Lane:
    """Kinds that share slots: so many attempts run, and a few more may wait for their turn."""

    def __init__(self, kinds: list[str], limit: int, *, ahead: int = AHEAD_OF_SHORT) -> None:
        """limit: how many run at once. ahead: how many may wait for each, while all are short."""
        self.kinds = kinds
        self.limit = limit
        self.slots = Slots(limit)
        self.begin: Callable[[Attempt], None]
        self.give_back: Callable[[Attempt], None]
        self._ahead = ahead
        self._running = 0
        self._waiting: deque[Attempt] = deque()
        self._mean = UNKNOWN_SECONDS
        self._left = 0
        self._is_called = False
        self._is_watched = False

    def enter(self, attempt: Attempt, *, alone: bool = False) -> None:
        """Begin when its turn comes; not before the caller is done, who may want to claim more.

        alone: nothing else is worth being done before.
        """
        self._waiting.append(attempt)
        if alone:
            self.turn()
            return
        self._call()
        if self._running >= self.limit:
            self._watch()

    def note(self, seconds: float) -> None:
        """How long an attempt took."""
        self._mean += WEIGHT * (seconds - self._mean)
        is_short = self._mean < SHORT_SECONDS
        self.slots.resize(self.limit * (1 + self._ahead) if is_short else self.limit)

    def leave(self) -> None:
        """An attempt has ended, and all that it had begun."""
        self._left += 1
        self._running -= 1
        self.slots.release()
        self._call()

    def _call(self) -> None:
        if self._waiting and self._running < self.limit and not self._is_called:
            self._is_called = True
            asyncio.get_running_loop().call_soon(self.turn)

    def turn(self) -> None:
        """Begin as many as there is room for now: what they make room for is for the next turn."""
        for _ in range(min(self.limit - self._running, len(self._waiting))):
            self._running += 1
            self.begin(self._waiting.popleft())
        self._is_called = False
        self._call()
        self._watch()

    def _watch(self) -> None:
        if self._waiting and not self._is_watched:
            self._is_watched = True
            asyncio.get_running_loop().call_later(LATE_SECONDS, self._look_at_waiting, self._left)

    def _look_at_waiting(self, left: int) -> None:
        self._is_watched = False
        if not self._waiting:
            return
        if left != self._left:
            self._watch()
            return
        self._mean = UNKNOWN_SECONDS
        self.slots.resize(self.limit)
        waiting, self._waiting = self._waiting, deque()
        for attempt in waiting:
            self._running += 1
            self.give_back(attempt)


class Lanes:
    """One lane for what runs in this process, one more if some kinds run in processes."""

    def __init__(self, handlers: Handlers, slots: int, process_slots: int) -> None:
        apart = [handler.kind for handler in handlers if handler.runs_in == "process"]
        here = [kind for kind in handlers.kinds if kind not in set(apart)]
        self._lanes = [Lane(here, slots)] if here or not apart else []
        if apart:
            self._lanes.append(Lane(sorted(apart), process_slots * AHEAD, ahead=0))
        self._by_kind = {kind: lane for lane in self._lanes for kind in lane.kinds}

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes)

    def __getitem__(self, kind: str) -> Lane:
        return self._by_kind[kind]

    @property
    def total(self) -> int:
        return sum(lane.limit for lane in self._lanes)

    @property
    def busy(self) -> int:
        return sum(min(lane.slots.busy, lane.limit) for lane in self._lanes)
