"""Workers of one process, as many as are asked for: most of them idle, and all connected."""

import asyncio
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from rowbell import logs
from rowbell.cli.bench.load import PROBE, Load
from rowbell.cli.bench.progress import Progress
from rowbell.cli.serve import event_loop
from rowbell.config import Settings
from rowbell.decorator import describe
from rowbell.errors import RowbellError
from rowbell.handlers import Handlers
from rowbell.runtime import Service

READY_SECONDS = 120.0
"""For each: fifty workers of one process start one after another."""
STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Herd:
    """Workers that note when a probe's handler runs its first line."""

    pipe: Connection
    process: multiprocessing.process.BaseProcess

    async def stop(self) -> tuple[dict[int, float], float]:
        """Drain; returns the probes by number with their time.monotonic(), and CPU seconds."""
        self.pipe.send(None)
        seen, cpu = await self._received(STOP_SECONDS)
        return seen, cpu

    async def count(self) -> int:
        """How many probes have run."""
        self.pipe.send("count")
        (count,) = await self._received(STOP_SECONDS)
        return int(count)

    async def _received(self, seconds: float) -> tuple:  # type: ignore[type-arg]
        if not await asyncio.to_thread(self.pipe.poll, seconds):
            raise RowbellError(f"the workers of the bench did not answer within {seconds:g} s.")
        try:
            return self.pipe.recv()  # type: ignore[no-any-return]
        except EOFError:
            raise RowbellError("the workers of the bench have ended; why is said above.") from None


@asynccontextmanager
async def herd(settings: Settings, workers: int) -> AsyncIterator[Herd]:
    """So many workers, ready. Raises RowbellError."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(settings, workers, there), daemon=True)
    process.start()
    there.close()
    started = Herd(here, process)
    try:
        with Progress("starting", workers) as progress:
            for number in range(workers):
                await started._received(READY_SECONDS)
                progress.show(number + 1)
        yield started
    finally:
        process.terminate()
        await asyncio.to_thread(process.join, 5)
        process.kill()
        here.close()


def _work(settings: Settings, workers: int, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when it is over
    with Path("/dev/null").open("w") as nowhere:
        complaints, sys.stderr = sys.stderr, nowhere
        logs.configure("info", "json")  # they pay for their log lines as any worker does
        sys.stderr = complaints
        with asyncio.Runner(loop_factory=event_loop()) as runner:
            runner.run(_Workers(settings, workers, pipe).run())


@dataclass(slots=True)
class _Workers:
    settings: Settings
    number: int
    pipe: Connection
    seen: dict[int, float] = field(default_factory=dict)
    services: list[Service] = field(default_factory=list)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            for _ in range(self.number):
                ready = asyncio.Event()
                service = Service(
                    self.settings,
                    with_api=False,
                    handlers=Handlers(
                        describe(self._probe, kind=PROBE),
                        describe(self._nothing, kind=Load.NO_OP.kind),
                    ),
                    greet=lambda _, ready=ready: ready.set(),  # type: ignore[misc]
                )
                self.services.append(service)
                group.create_task(service.run())
                await ready.wait()
                self.pipe.send(())
            cpu = time.process_time()
            loop.add_reader(self.pipe.fileno(), self._obey)
            self._cpu_at_start = cpu
        # A reader of uvloop leaves it without: what is sent now is longer than the pipe.
        os.set_blocking(self.pipe.fileno(), True)
        self.pipe.send((self.seen, time.process_time() - self._cpu_at_start))

    _cpu_at_start: float = 0.0

    def _obey(self) -> None:
        if self.pipe.recv() == "count":
            self.pipe.send((len(self.seen),))
            return
        asyncio.get_running_loop().remove_reader(self.pipe.fileno())
        for service in self.services:
            service.stop()

    async def _probe(self, payload: dict[str, int]) -> None:
        """Note the time."""
        now = time.monotonic()
        self.seen.setdefault(payload["number"], now)

    async def _nothing(self) -> None:
        """Do nothing."""
