"""How long this worker may believe that its tasks are its own, by its own clock alone."""

import asyncio
from collections.abc import Callable

AGAIN_SECONDS = 0.5


class Lease:
    """Lapses at two thirds of its length unless it is renewed: others take the tasks at its end.

    A timer, for a heartbeat on a dark network may hang for longer than the lease.
    """

    def __init__(self, seconds: float, lapsed: Callable[[], None]) -> None:
        self._seconds = seconds * 2 / 3
        self._lapsed = lapsed
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0

    @property
    def is_over(self) -> bool:
        return asyncio.get_running_loop().time() >= self._until

    def renew(self, since: float) -> None:
        """since: when the heartbeat was sent (loop time), not when its answer came."""
        self.end()
        self._until = since + self._seconds
        self._timer = asyncio.get_running_loop().call_at(self._until, self._lapse)

    def end(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _lapse(self) -> None:
        self._lapsed()
        # Again and again: an answer that was on its way may still bring a claim.
        self._timer = asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._lapse)
