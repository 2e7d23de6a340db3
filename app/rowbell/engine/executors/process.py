"""One process that runs handlers, one at a time, as this side of its socket sees it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from concurrent.futures import Future
from typing import Any, Self

import orjson

from rowbell.engine.executors.call import Call
from rowbell.engine.failures import ProcessDied, RemoteFailure
from rowbell.logs import log
from rowbell.task import Failure

BOOT = (
    "import sys; sys.path[:] = sys.argv[2:];"
    " from rowbell.engine.executors.child import main; main(int(sys.argv[1]))"
)
LINE_BYTES = 8 * 1024 * 1024
"""The longest line of a process: a result of 64 KiB, every character of it escaped, is shorter."""
START_SECONDS = 60.0
"""How long the imports of a process may take."""
MERCY_SECONDS = 0.5
"""What a handler that takes a context gets to end by itself once it is told."""
END_SECONDS = 5.0
"""How long a killed process may take to be gone; one in the middle of a disk operation waits."""
LAST_SECONDS = 0.2
"""What a process sent before its death is read for so long, if something else holds its socket."""


class NotBegun(ProcessDied):
    """The process died before the handler began."""


class HandlerProcess:
    """A process in a session of its own: signals of a terminal do not reach it, and it is killed
    with all that its handler has started.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Call start() instead."""
        self._process = process
        self._reader = reader
        self._writer = writer
        self._calls = 0
        self._busy = True
        self._asked: list[Future[str]] = []
        """Who waits to be told where the handler is."""
        self._ended = asyncio.create_task(self._reaped(), name=f"process {process.pid}")

    @classmethod
    async def start(cls, modules: list[str]) -> Self:
        """A process that has imported these modules. Raises ProcessDied, OSError."""
        here, there = socket.socketpair()
        with there:
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-c", BOOT, str(there.fileno()), *sys.path),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(there.fileno(),),
                    start_new_session=True,
                )
            except BaseException:
                here.close()
                raise
        reader, writer = await asyncio.open_unix_connection(sock=here, limit=LINE_BYTES)
        started = cls(process, reader, writer)
        started._send({"modules": modules})
        try:
            async with asyncio.timeout(START_SECONDS):
                await started._heard("ready")
        except BaseException as error:
            await started.end()
            if isinstance(error, TimeoutError):
                raise ProcessDied(
                    f"a process for handlers was not ready within {START_SECONDS:g} s."
                ) from None
            raise
        started._busy = False
        return started

    @property
    def is_idle(self) -> bool:
        return not self._busy and not self._ended.done()

    async def perform(self, call: Call) -> str | None:
        """Run a handler. Raises RemoteFailure, ProcessDied; NotBegun if it did not begin.

        A cancelled call ends with the process, unless the handler ends at once when it is told.
        """
        self._busy = True
        self._calls += 1
        self._send({"call": self._calls, **_described(call)})
        try:
            try:
                await self._heard("began", call)
            except ProcessDied as error:
                raise NotBegun(str(error)) from None
            call.began()
            call.ask_stack = self._ask_stack
            return await self._answer(call)
        except asyncio.CancelledError:
            if call.handler.context_name and self._busy:
                await self._have_mercy(call)
            raise
        finally:
            call.ask_stack = None
            if self._busy:
                await self.end()

    def _ask_stack(self) -> Future[str]:
        asked: Future[str] = Future()
        self._asked.append(asked)
        self._send({"stack": self._calls})
        return asked

    async def end(self) -> None:
        """Kill it, and wait until it is gone."""
        self._kill()
        await asyncio.wait({self._ended}, timeout=END_SECONDS)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _have_mercy(self, call: Call) -> None:
        self._send({"cancel": self._calls})
        with contextlib.suppress(TimeoutError, RemoteFailure, ProcessDied):
            async with asyncio.timeout(MERCY_SECONDS):
                await self._answer(call)

    async def _answer(self, call: Call) -> str | None:
        message = await self._heard("answer", call)
        self._busy = False
        if failure := message["failure"]:
            raise RemoteFailure(Failure(**failure), message["types"])
        result: str | None = message["result"]
        return result

    async def _heard(self, what: str, call: Call | None = None) -> dict[str, Any]:
        """The next message of this sort; others are taken as they come. Raises ProcessDied."""
        with contextlib.suppress(OSError):  # reset: it died with something unread
            while line := await self._reader.readline():
                message: dict[str, Any] = orjson.loads(line)
                if warning := message.get("warning"):
                    log.warning("library.warned", **warning)
                elif message["call"] == self._calls:  # not of a thread that outlived its handler
                    if what in message:
                        return message
                    if "stack" in message:
                        self._tell_stack(message["stack"])
                    elif call:
                        _report(call, message)
        raise ProcessDied(await self._cause())

    def _tell_stack(self, stack: str) -> None:
        asked, self._asked = self._asked, []
        for each in asked:
            if each.set_running_or_notify_cancel():
                each.set_result(stack)

    async def _cause(self) -> str:
        await self.end()
        if not self._ended.done():
            return f"the process of the handler ({self._process.pid}) does not answer."
        return f"the process of the handler {_how(self._ended.result())}."

    def _send(self, message: dict[str, Any]) -> None:
        self._writer.write(orjson.dumps(message) + b"\n")

    async def _reaped(self) -> int:
        """Until it is gone; returns its exit code, or the signal as a negative number."""
        code = await self._process.wait()
        self._kill_group()  # what its handler has started
        if not self._busy:
            log.warning("process.died", process=self._process.pid, reason=_how(code))
        asyncio.get_running_loop().call_later(LAST_SECONDS, self._close)
        return code

    def _close(self) -> None:
        self._reader.feed_eof()
        self._writer.close()

    def _kill(self) -> None:
        if not self._ended.done():
            self._busy = True  # its end is asked for, and no surprise
            self._kill_group()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _described(call: Call) -> dict[str, Any]:
    function = call.handler.function
    return {
        "kind": call.handler.kind,
        "module": function.__module__,
        "name": function.__qualname__,
        "task": call.context.task_id,
        "attempt": call.context.attempt,
        "traceparent": call.context.traceparent,
        "payload": call.payload,
    }


def _report(call: Call, message: dict[str, Any]) -> None:
    if "progress" in message:
        call.context.progress(message["progress"])
    elif "log" in message:
        call.context.log(message["log"], **message["fields"])


def _how(code: int) -> str:
    """How it ended; a negative code is a signal."""
    if code >= 0:
        return f"ended with the exit code {code}"
    known = {int(each): each.name for each in signal.Signals}
    perhaps = " (out of memory, perhaps)" if -code == signal.SIGKILL else ""
    return f"was ended by {known.get(-code, f'signal {-code}')}{perhaps}"
