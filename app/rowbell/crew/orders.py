"""What a crew tells a member over a socket, and what the member answers."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

READY = b"r"
"""Of a member: it works."""
DRAIN = b"d"
NOW = b"n"
"""End at once what still runs."""


class Orders:
    """The end of a member."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)
        self._draining = False

    def report_ready(self) -> None:
        with suppress(OSError):  # the crew is gone, which its orders tell too
            self._socket.send(READY)

    @contextmanager
    def followed(self, stop: Callable[[], None]) -> Iterator[None]:
        """Call stop() for a drain, and again for an end at once.

        A signal is a drain however often it comes: a supervisor may signal the whole group while
        the crew passes the same on. A crew that is gone is a drain too.
        """
        loop = asyncio.get_running_loop()
        both = (signal.SIGINT, signal.SIGTERM)
        for number in both:
            loop.add_signal_handler(number, self._drain, stop)
        loop.add_reader(self._socket, self._hear, stop)
        try:
            yield
        finally:
            loop.remove_reader(self._socket)
            for number in both:
                loop.remove_signal_handler(number)

    def _hear(self, stop: Callable[[], None]) -> None:
        try:
            orders = self._socket.recv(16)
        except OSError:
            orders = b""
        if not orders:
            asyncio.get_running_loop().remove_reader(self._socket)
        self._drain(stop)
        if NOW in orders:
            stop()

    def _drain(self, stop: Callable[[], None]) -> None:
        if not self._draining:
            self._draining = True
            stop()
