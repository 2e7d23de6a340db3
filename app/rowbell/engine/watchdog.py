"""Notices that the event loop is blocked, and says by what: its stack, seen from a thread."""

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from rowbell.logs import log
from rowbell.measures import measures

ASK_PER_LIMIT = 4
"""So often, within the time that the loop may take to answer, it is asked."""
FRAMES = 20


@contextmanager
def watching(seconds: float) -> Iterator[None]:
    """Watch the loop that runs here: silent for so long, it is blocked."""
    watchdog = Watchdog(seconds)
    thread = threading.Thread(target=watchdog.run, name="rowbell watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        watchdog.stop()
        thread.join(1)


class Watchdog:
    """Made on the loop's thread; `run()` in a thread of its own, until `stop()`.

    A thread, for nothing on a blocked loop would notice. One line when a block is seen, one when
    it has ended, however long it takes.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._answered = threading.Event()
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(self._seconds / ASK_PER_LIMIT):
            asked = time.monotonic()
            self._answered.clear()
            try:
                self._loop.call_soon_threadsafe(self._answer, asked)
            except RuntimeError:
                return  # it is closed
            if not self._answered.wait(self._seconds) and not self._stopping.is_set():
                self._report(asked)

    def _answer(self, asked: float) -> None:
        """On the loop."""
        measures.loop_lags.add(time.monotonic() - asked)
        self._answered.set()

    def stop(self) -> None:
        self._stopping.set()
        self._answered.set()

    def _report(self, asked: float) -> None:
        log.warning("loop.blocked", seconds=_since(asked), stack=self._stack())
        self._answered.wait()
        if not self._stopping.is_set():
            log.warning("loop.freed", seconds=_since(asked))

    def _stack(self) -> str:
        frame = sys._current_frames().get(self._thread)
        return "".join(traceback.format_stack(frame)[-FRAMES:]) if frame else ""


def _since(asked: float) -> float:
    return round(time.monotonic() - asked, 3)
