"""How soon a row runs: from its INSERT to the first line of its handler."""

import asyncio
import contextlib
import math
import multiprocessing
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from rowbell.cli.bench import ground
from rowbell.cli.bench.inserter import Note, Rows, insert_rows
from rowbell.cli.bench.load import PROBE
from rowbell.cli.bench.progress import Progress
from rowbell.config import Settings
from rowbell.decorator import describe
from rowbell.errors import RowbellError
from rowbell.handlers import Handlers
from rowbell.runtime import Service

QUEUE = "bench_latency"
WARM_UP = 30
"""First rows, which are not counted: caches, plans and connections are still cold."""
PATIENCE_SECONDS = 30.0


@dataclass(slots=True)
class Probes:
    """A handler that notes when its first line runs."""

    expected: int
    seen: dict[int, float] = field(default_factory=dict)
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    async def probe(self, payload: dict[str, int]) -> None:
        """Note the time."""
        now = time.monotonic()
        self.seen[payload["number"]] = now
        if len(self.seen) == self.expected:
            self.complete.set()


async def measure(settings: Settings, tasks: int, rate: float) -> dict[str, Any]:
    """The report, in milliseconds. Raises RowbellError."""
    async with ground.prepared(settings, QUEUE) as (url, _, database):
        probes = Probes(tasks + WARM_UP)
        ready = asyncio.Event()
        service = Service(
            settings.model_copy(update={"database_url": url, "queues": (QUEUE,)}),
            with_api=False,
            handlers=Handlers(describe(probes.probe, kind=PROBE)),
            greet=lambda _: ready.set(),
        )
        serving = asyncio.create_task(service.run(), name="service")
        measuring = asyncio.create_task(_notes(url, probes, service, ready, rate), name="measuring")
        try:
            await asyncio.wait({serving, measuring}, return_when=asyncio.FIRST_COMPLETED)
            if not measuring.done():
                await serving  # raises what ended it
                raise asyncio.CancelledError  # Ctrl-C: the service has taken it for its own
            notes = measuring.result()
        finally:
            measuring.cancel()
            service.stop()
            await asyncio.wait({serving, measuring})
        return {
            "tasks": tasks,
            "rate": rate,
            "postgresql": await ground.description(database),
            **_report(notes, probes.seen),
        }


async def _notes(
    url: str, probes: Probes, service: Service, ready: asyncio.Event, rate: float
) -> list[Note]:
    await ready.wait()
    assert service.listener is not None  # noqa: S101 - it is there once the service is ready
    await service.listener.ready.wait()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    rows = Rows(PROBE, QUEUE, probes.expected, rate)
    inserter = context.Process(target=insert_rows, args=(url, rows, there), daemon=True)
    inserter.start()
    there.close()
    try:
        notes = await _received(here, probes)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await probes.complete.wait()
    except TimeoutError:
        missing = probes.expected - len(probes.seen)
        raise RowbellError(
            f"{missing} of {probes.expected} rows did not run within {PATIENCE_SECONDS:g} s."
        ) from None
    finally:
        inserter.terminate()
        await asyncio.to_thread(inserter.join)
        here.close()
    return notes


async def _received(pipe: Connection, probes: Probes) -> list[Note]:
    """What the inserter sends at its end; meanwhile the progress is shown."""
    with Progress("inserting", probes.expected) as progress:
        while not pipe.poll():
            progress.show(len(probes.seen))
            await asyncio.sleep(0.1)
    with contextlib.suppress(EOFError):
        notes: list[Note] = pipe.recv()
        return notes
    raise RowbellError("the process that inserts has failed; what it said is above.")


def _report(notes: list[Note], seen: dict[int, float]) -> dict[str, Any]:
    counted = range(WARM_UP, len(notes))
    from_call = [seen[number] - notes[number][0] for number in counted]
    from_return = [seen[number] - notes[number][1] for number in counted]
    return {
        "from_call_milliseconds": _percentiles(from_call),
        "from_return_milliseconds": _percentiles(from_return),
    }


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)

    def at(fraction: float) -> float:
        return round(1_000 * ordered[math.ceil(fraction * len(ordered)) - 1], 3)

    return {"p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1)}
