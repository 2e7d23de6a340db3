"""Workers of one process, as many as are asked for: most of them idle, and all connected."""

import asyncio
import multiprocessing
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from rowbell import logs
from rowbell.cli.bench import floor, probes
from rowbell.cli.bench.load import PROBE, Load
from rowbell.cli.bench.progress import Progress
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


def herd(settings: Settings, workers: int) -> AbstractAsyncContextManager[Herd]:
    """So many workers, ready. Raises RowbellError."""
    return _started(_work, settings, workers, members=workers)


def floor_worker(url: str) -> AbstractAsyncContextManager[Herd]:
    """The one that does the least that could be done. Raises RowbellError."""
    return _started(floor.work, url, members=1)


@asynccontextmanager
async def _started(
    work: Callable[..., None], *arguments: object, members: int
) -> AsyncIterator[Herd]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(*arguments, there), daemon=True)
    process.start()
    there.close()
    started = Herd(here, process)
    try:
        with Progress("starting", members) as progress:
            for number in range(members):
                await started._received(READY_SECONDS)
                progress.show(number + 1)
        yield started
    finally:
        process.terminate()
        await asyncio.to_thread(process.join, 5)
        process.kill()
        here.close()


def _work(settings: Settings, workers: int, pipe: Connection) -> None:
    with Path("/dev/null").open("w") as nowhere:
        complaints, sys.stderr = sys.stderr, nowhere
        logs.configure("info", "json")  # they pay for their log lines as any worker does
        sys.stderr = complaints
        probes.run(_Workers(settings, workers, probes.Probes(pipe)).run())


@dataclass(slots=True)
class _Workers:
    settings: Settings
    number: int
    noted: probes.Probes
    services: list[Service] = field(default_factory=list)

    async def run(self) -> None:
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
                self.noted.ready()
            self.noted.obey(self._stop)
        self.noted.report()

    def _stop(self) -> None:
        for service in self.services:
            service.stop()

    async def _probe(self, payload: dict[str, int]) -> None:
        """Note the time."""
        self.noted.note(payload["number"])

    async def _nothing(self) -> None:
        """Do nothing."""
