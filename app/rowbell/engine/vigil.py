"""Whether a dispatcher looks by itself: while bells come fast, looks cost less than bells.

A NOTIFY makes its transaction wait for every other one that notifies, and wakes a process. At a low
rate it is the quickest way all the same, so a vigil begins with some bells in a short time and ends
with the first short silence, as network drivers turn interrupts off and on (Linux NAPI).
"""

import asyncio
from collections import deque

from rowbell.db.duty import Duty, Ring

BELLS = 8
HURRY_SECONDS = 0.04
"""So many bells in that time begin a vigil: 200 a second."""

LEAST_PAUSE_SECONDS = 0.002
EMPTY_LOOKS = 3
"""After so many empty looks in a row, 12 ms of silence, bells are rung again."""


class Vigil:
    """Of one dispatcher."""

    def __init__(self, queue: str, kinds: list[str], duty: Duty, last_look: Ring) -> None:
        self._queue = queue
        self._kinds = kinds
        self._duty = duty
        self._last_look = last_look
        self._bells: deque[float] = deque(maxlen=BELLS)
        self._keys: list[int] = []
        self._empty = 0

    @property
    def is_kept(self) -> bool:
        return bool(self._keys) and self._duty.is_on

    def hear(self) -> None:
        """A bell was rung."""
        self._bells.append(asyncio.get_running_loop().time())

    async def begin_if_hurried(self) -> None:
        """Tell inserters that they need not ring, if they have rung fast."""
        if self.is_kept or not self._duty.is_on or len(self._bells) < BELLS:
            return
        if asyncio.get_running_loop().time() - self._bells[0] < HURRY_SECONDS:
            self._empty = 0
            self._keys = await self._duty.stay_awake(self._queue, self._kinds)
        self._bells.clear()

    def pause(self, found: bool) -> float | None:
        """Seconds until the next look; None: it is quiet, so the vigil should end."""
        self._empty = 0 if found else self._empty + 1
        if self._empty == EMPTY_LOOKS:
            return None
        return LEAST_PAUSE_SECONDS * (self._empty + 1)

    async def end(self) -> None:
        """Let inserters ring again. What they inserted in silence is found by the last look."""
        keys, self._keys = self._keys, []
        await self._duty.stand_down(keys, self._last_look)
