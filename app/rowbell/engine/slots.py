"""How many tasks a worker may run at once, shared fairly by its dispatchers."""

import asyncio
from collections import deque


class Slots:
    """Counted slots; whoever waits longest is served first."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.free = total
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def busy(self) -> int:
        return self.total - self.free

    async def reserve(self, most: int) -> int:
        """Take free slots, one at least; give back with `release` what stays unused."""
        while self.free <= 0 or self._waiting:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                self._wake_next()  # the turn may have come in the same instant: pass it on
                raise
            if self.free > 0:
                break
        taken = min(self.free, most)
        self.free -= taken
        self._wake_next()
        return taken

    def resize(self, total: int) -> None:
        """Fewer than are taken: nothing is free until enough came back."""
        if total != self.total:
            self.free += total - self.total
            self.total = total
            self._wake_next()

    def release(self, count: int = 1) -> None:
        self.free += count
        self._wake_next()

    def _wake_next(self) -> None:
        if self.free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if turn.done():
                self._wake_next()
            else:
                turn.set_result(None)
