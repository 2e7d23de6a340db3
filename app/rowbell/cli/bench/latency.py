"""How soon a row runs: from its INSERT to the first line of its handler, and how soon it could."""

from typing import Any

from rowbell.cli.bench import ground
from rowbell.cli.bench.herd import Herd, floor_worker, herd
from rowbell.cli.bench.inserter import Note
from rowbell.cli.bench.load import KINDS, PROBE
from rowbell.cli.bench.paced import Paced, arrived, percentiles
from rowbell.cli.bench.rounds import Figures, in_turns, medians, ratio
from rowbell.config import Settings
from rowbell.db.bench import Bench
from rowbell.db.floor import Floor

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
                notes, seen = await _floor(own, number, rate)
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
        return await _passed(worker, Paced(_url(settings), PROBE, QUEUE, number=number, rate=rate))


async def _floor(
    settings: Settings, number: int, rate: float
) -> tuple[list[Note], dict[int, float]]:
    url = _url(settings)
    async with Floor.opened(url) as table:
        await table.make()
        try:
            async with floor_worker(url) as worker:
                rows = Paced(url, PROBE, QUEUE, number=number, rate=rate, on_floor=True)
                return await _passed(worker, rows)
        finally:
            await table.drop()


async def _passed(worker: Herd, rows: Paced) -> tuple[list[Note], dict[int, float]]:
    notes = await rows.insert()
    await arrived(worker, rows.number)
    seen, _ = await worker.stop()
    return notes, seen


def _url(settings: Settings) -> str:
    return settings.database_url or ""
