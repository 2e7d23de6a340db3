"""The worker of the drain bench: a process as `rowbell worker` starts one, with its own log."""

import asyncio
import multiprocessing
import signal
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

from rowbell import logs
from rowbell.cli.errors import report
from rowbell.cli.serve import run
from rowbell.config import Settings
from rowbell.errors import RowbellError
from rowbell.runtime import Service

STOP_SECONDS = 60
TAIL_LINES = 5


class WorkerProcess:
    """Starts when it is made; `ready` when it works; `stop` returns the CPU seconds since then."""

    def __init__(self, settings: Settings, log: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe(duplex=False)
        self._log = log
        self._process = context.Process(target=_work, args=(settings, log, there), daemon=True)
        self._process.start()
        there.close()
        self._cpu_at_start = 0.0

    async def ready(self) -> None:
        """Raises RowbellError if it ends instead."""
        self._cpu_at_start = await self._heard()

    def check(self) -> None:
        """Raises RowbellError if it has ended."""
        if not self._process.is_alive():
            raise self._failure()

    async def stop(self) -> float:
        """Drain; returns the CPU seconds that it used since it was ready."""
        self._process.terminate()
        return await self._heard() - self._cpu_at_start

    async def end(self) -> None:
        """See that nothing of it is left."""
        self._process.terminate()
        await asyncio.to_thread(self._process.join, STOP_SECONDS)
        self._process.kill()
        self._pipe.close()

    async def _heard(self) -> float:
        try:
            seconds: float = await asyncio.to_thread(self._pipe.recv)
        except EOFError:
            raise self._failure() from None
        return seconds

    def _failure(self) -> RowbellError:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        said = "\n  ".join(lines[-TAIL_LINES:]) or "(nothing)"
        return RowbellError(f"the worker has ended; the last lines of its log:\n  {said}")


def _work(settings: Settings, log: Path, pipe: Connection) -> None:
    # Until the loop takes signals over; a Ctrl-C of the terminal reaches every process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with log.open("w") as sys.stderr:
        logs.configure(settings.log_level, "json")
        service = Service(settings, with_api=False, greet=lambda _: pipe.send(time.process_time()))
        try:
            run(service)
        except (RowbellError, BaseExceptionGroup) as error:
            sys.exit(report(error))
        pipe.send(time.process_time())
