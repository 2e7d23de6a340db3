"""How soon a row runs: from its INSERT to the first line of its handler, and how soon it could."""

import asyncio
import time
from typing import Any

from rowbell.cli.bench import ground
from rowbell.cli.bench.herd import herd
from rowbell.cli.bench.inserter import Note
from rowbell.cli.bench.load import KINDS, PROBE
from rowbell.cli.bench.paced import PATIENCE_SECONDS, Paced, arrived, percentiles
from rowbell.cli.bench.rounds import Figures, in_turns, medians, ratio
from rowbell.config import Settings
from rowbell.db.bench import Bench, Floor
from rowbell.errors import RowbellError

QUEUE = "bench_latency"
WARM_UP = 30
"""First rows, which are not counted: caches, plans and connections are still cold."""


async def measure(
    settings: Settings, tasks: int, rate: float, rounds: int, *, sure: bool
) -> dict[str, Any]:
    """The report, in milliseconds. Raises RowbellError."""
    async with ground.prepared(settings, QUEUE, sure=sure) as (url, bench, database):
        own = settings.model_copy(update={"database_url": url, "queues": (QUEUE,)})
        number = tasks + WARM_UP

        async def run(leg: str) -> Figures:
            if leg == "floor":
                notes, seen = await _floor(url, number, rate)
            else:
                notes, seen = await _rowbell(own, bench, number, rate)
            return percentiles(notes, seen, skip=WARM_UP)

        legs = await in_turns(rounds, ("floor", "rowbell"), run)
        floor, measured = legs["floor"], legs["rowbell"]
        return {
            "tasks": tasks,
            "rate": rate,
            "rounds": rounds,
            "postgresql": await ground.description(database),
            "legs": {leg: medians(figures) for leg, figures in legs.items()},
            "ratios": {name: ratio(measured, floor, name) for name in floor[0]},
        }


async def _rowbell(
    settings: Settings, bench: Bench, number: int, rate: float
) -> tuple[list[Note], dict[int, float]]:
    await bench.clean(QUEUE, KINDS)
    async with herd(settings, 1) as worker:
        notes = await Paced(
            settings.database_url or "", PROBE, QUEUE, number=number, rate=rate
        ).insert()
        await arrived(worker, number)
        seen, _ = await worker.stop()
    return notes, seen


async def _floor(url: str, number: int, rate: float) -> tuple[list[Note], dict[int, float]]:
    """LISTEN, claim, call, in a loop: no product, but what the wire and PostgreSQL allow."""
    async with Floor.opened(url) as ear, Floor.opened(url) as hands:
        await ear.make()
        try:
            wake = asyncio.Event()
            await ear.listen(wake.set)
            seen: dict[int, float] = {}
            rows = Paced(url, PROBE, QUEUE, number=number, rate=rate, on_floor=True)
            async with asyncio.timeout(PATIENCE_SECONDS + number / rate * 2):
                async with asyncio.TaskGroup() as group:
                    inserting = group.create_task(rows.insert())
                    while len(seen) < number:
                        wake.clear()
                        for claimed in await hands.claim():
                            await _call(seen, claimed)
                        if len(seen) < number:
                            await wake.wait()
            return inserting.result(), seen
        except TimeoutError:
            raise RowbellError(f"{number - len(seen)} rows of the floor did not arrive.") from None
        finally:
            await ear.drop()


async def _call(seen: dict[int, float], number: int) -> None:
    seen[number] = time.monotonic()
