"""One worker process, as its crew sees it."""

import asyncio
import contextlib
import socket
import sys
from typing import Self

from rowbell.crew.orders import READY


class Member:
    """A process in a session of its own: a Ctrl-C reaches the crew alone, which passes it on."""

    def __init__(self, process: asyncio.subprocess.Process, connection: socket.socket) -> None:
        """Call start() instead."""
        self.process = process.pid
        self._process = process
        self._socket = connection

    @classmethod
    async def start(cls, environment: dict[str, str]) -> Self:
        """Raises OSError."""
        here, there = socket.socketpair()
        here.setblocking(False)
        with there:
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "rowbell.cli.member", str(there.fileno())),
                    stdin=asyncio.subprocess.DEVNULL,
                    env=environment,
                    pass_fds=(there.fileno(),),
                    start_new_session=True,
                )
            except BaseException:
                here.close()
                raise
        return cls(process, here)

    async def ready(self) -> bool:
        """Wait until it works; False if it has ended instead."""
        with contextlib.suppress(OSError):
            return await asyncio.get_running_loop().sock_recv(self._socket, 1) == READY
        return False

    def tell(self, order: bytes) -> None:
        with contextlib.suppress(OSError):  # it has ended
            self._socket.send(order)

    async def ended(self) -> int:
        """Wait until it is gone; returns its exit code, or the signal as a negative number."""
        return await self._process.wait()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def leave(self) -> None:
        """Close its orders; a member that still runs takes that for a drain."""
        self._socket.close()
