"""Plain functions run in processes: a core for each, and each can be killed."""

import asyncio

from rowbell.engine.executors.call import Call
from rowbell.engine.executors.process import END_SECONDS, HandlerProcess, NotBegun
from rowbell.engine.failures import ProcessDied

TRIES = 3
"""So many processes may die before a handler begins; then the attempt has failed."""


class Processes:
    """An Executor. A process is started when no other is free, and then kept."""

    def __init__(self, slots: int, modules: list[str]) -> None:
        """modules: imported by each process when it starts, so that a call imports nothing."""
        self._turn = asyncio.Semaphore(slots)
        self._modules = modules
        self._idle: list[HandlerProcess] = []
        self._all: set[HandlerProcess] = set()
        self._starting: set[asyncio.Task[HandlerProcess]] = set()
        self._unclaimed: list[asyncio.Task[HandlerProcess]] = []
        """Starts whose attempts were ended meanwhile: for the next ones."""

    async def run(self, call: Call) -> str | None:
        async with self._turn:
            for _ in range(TRIES):
                process = await self._free()
                try:
                    return await process.perform(call)
                except NotBegun as error:  # it died while it was idle: no fault of this attempt
                    reason = error
                finally:
                    self._put_back(process)
        raise ProcessDied(str(reason))

    async def close(self) -> None:
        """No process is left afterwards."""
        for starting in self._starting:
            starting.cancel()
        if self._starting:
            await asyncio.wait(self._starting, timeout=END_SECONDS)
        self._idle.clear()
        self._unclaimed.clear()
        processes, self._all = self._all, set()
        for process in processes:
            await process.end()

    async def _free(self) -> HandlerProcess:
        while self._idle:
            process = self._idle.pop()
            if process.is_idle:
                return process
            self._all.discard(process)
        starting = self._unclaimed.pop() if self._unclaimed else self._start()
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            self._unclaimed.append(starting)
            raise

    def _start(self) -> asyncio.Task[HandlerProcess]:
        starting = asyncio.create_task(HandlerProcess.start(self._modules), name="start a process")
        self._starting.add(starting)
        starting.add_done_callback(self._started)
        return starting

    def _started(self, starting: asyncio.Task[HandlerProcess]) -> None:
        self._starting.discard(starting)
        if not starting.cancelled() and not starting.exception():
            self._all.add(starting.result())

    def _put_back(self, process: HandlerProcess) -> None:
        if process in self._all and process.is_idle:
            self._idle.append(process)
        else:
            self._all.discard(process)
