"""What the bell costs those who insert: the same INSERTs with its trigger and without."""

import asyncio
import statistics
from typing import Any

from rowbell.cli.bench import ground
from rowbell.cli.bench.clients import Clients
from rowbell.cli.bench.herd import herd
from rowbell.cli.bench.load import KINDS, Load
from rowbell.cli.bench.rounds import Figures, in_turns, medians, ratio
from rowbell.config import Settings
from rowbell.db.bench import Bench

QUEUE = "bench_inserts"
BELL, JOURNAL = "bell_for_inserts", "journal_inserts"
WAKE_SECONDS = 0.01
LEGS = ("bell on", "bell off", "bell on, journal off")


async def measure(
    settings: Settings, clients: int, workers: int, seconds: float, rounds: int, *, sure: bool
) -> dict[str, Any]:
    """The report. Raises RowbellError."""
    async with ground.prepared(settings, QUEUE, sure=sure) as (url, bench, database):
        own = settings.model_copy(update={"database_url": url, "queues": (QUEUE,)})
        await ground.has_room(bench, clients + 4 * workers)

        async def run(leg: str) -> Figures:
            await bench.clean(QUEUE, KINDS)
            await bench.settle()
            async with herd(own, workers):
                switched = {"bell off": (BELL,), "bell on, journal off": (JOURNAL,)}.get(leg, ())
                async with bench.without(*switched):
                    waking = asyncio.create_task(_wake(bench)) if BELL in switched else None
                    try:
                        inserting = Clients(url, Load.NO_OP.kind, QUEUE, clients, seconds)
                        rate, taken = await inserting.insert()
                    finally:
                        if waking:
                            waking.cancel()
                            await asyncio.wait({waking})
            return {
                "rows_per_second": round(rate),
                "p50_milliseconds": round(statistics.median(taken) * 1_000, 3),
                "p99_milliseconds": round(statistics.quantiles(taken, n=100)[98] * 1_000, 3),
            }

        legs = await in_turns(rounds, LEGS, run)
        on, off, bare = (legs[leg] for leg in LEGS)
        return {
            "clients": clients,
            "workers": workers,
            "seconds": seconds,
            "rounds": rounds,
            "postgresql": await ground.description(database),
            "legs": {leg: medians(figures) for leg, figures in legs.items()},
            "ratio": ratio(on, off, "rows_per_second"),
            "journal_ratio": ratio(on, bare, "rows_per_second"),
        }


async def _wake(bench: Bench) -> None:
    """Let the worker drain as it would with the trigger."""
    while True:
        await bench.ring(QUEUE)
        await asyncio.sleep(WAKE_SECONDS)
