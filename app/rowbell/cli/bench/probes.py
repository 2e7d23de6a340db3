"""What a process under test notes for the bench, and how it obeys: the far end of a Herd's pipe."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from typing import Any

from rowbell.cli.serve import collect_rarely, event_loop


class Probes:
    """When each probe was called for the first time, by its number."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._seen: dict[int, float] = {}
        self._stop: Callable[[], None]
        self._cpu_at_start = 0.0

    def note(self, number: int) -> None:
        """Called in the first line of a handler."""
        self._seen.setdefault(number, time.monotonic())

    def ready(self) -> None:
        """One more of this process works."""
        self._pipe.send(())

    def obey(self, stop: Callable[[], None]) -> None:
        """From now on CPU is counted, and `stop` is called when the bench has seen enough."""
        self._stop = stop
        self._cpu_at_start = time.process_time()
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._hear)

    def report(self) -> None:
        """The last thing to do."""
        # A reader of uvloop leaves it without: what is sent now is longer than the pipe.
        os.set_blocking(self._pipe.fileno(), True)
        self._pipe.send((self._seen, time.process_time() - self._cpu_at_start))

    def _hear(self) -> None:
        if self._pipe.recv() == "count":
            self._pipe.send((len(self._seen),))
            return
        asyncio.get_running_loop().remove_reader(self._pipe.fileno())
        self._stop()


def run(work: Coroutine[Any, Any, None]) -> None:
    """To its end, on the event loop and with the garbage collector of `rowbell worker`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when it is over
    collect_rarely()
    with asyncio.Runner(loop_factory=event_loop()) as runner:
        runner.run(work)
