"""What the bell costs a statement that inserts many rows, and how often it rings."""

import asyncio
import time
from typing import Any

from rowbell.cli.bench import ground
from rowbell.cli.bench.inserts import BELL
from rowbell.cli.bench.load import KINDS, Load
from rowbell.cli.bench.rounds import Figures, in_turns, medians, ratio
from rowbell.config import Settings
from rowbell.db.bench import Bench

QUEUE = "bench_bulk"
HEAR_SECONDS = 0.2


async def measure(settings: Settings, tasks: int, rounds: int, *, sure: bool) -> dict[str, Any]:
    """The report. Raises RowbellError."""
    async with ground.prepared(settings, QUEUE, sure=sure) as (url, bench, database):
        async with Bench.opened(url) as ear:
            rings = await ear.rings()

            async def run(leg: str) -> Figures:
                await bench.clean(QUEUE, KINDS)
                await bench.settle()
                heard = rings()
                async with bench.without(*([BELL] if leg == "bell off" else [])):
                    began = time.perf_counter()
                    await bench.fill(Load.NO_OP.kind, QUEUE, tasks)
                    seconds = time.perf_counter() - began
                await asyncio.sleep(HEAR_SECONDS)
                return {
                    "rows_per_second": round(tasks / seconds),
                    "seconds": round(seconds, 3),
                    "rings": rings() - heard,
                }

            legs = await in_turns(rounds, ("bell on", "bell off"), run)
        return {
            "tasks": tasks,
            "rounds": rounds,
            "postgresql": await ground.description(database),
            "legs": {leg: medians(figures) for leg, figures in legs.items()},
            "ratio": ratio(legs["bell on"], legs["bell off"], "rows_per_second"),
        }
