"""What a long transaction of somebody else does to a drain: nothing can be vacuumed meanwhile."""

import contextlib
from typing import Any

from rowbell.cli.bench import drain, ground
from rowbell.cli.bench.load import KINDS, Load
from rowbell.cli.bench.rounds import Figures, in_turns, medians, ratio
from rowbell.config import Settings
from rowbell.db.bench import Bench

LEGS = ("without", "snapshot held")


async def measure(settings: Settings, tasks: int, rounds: int, *, sure: bool) -> dict[str, Any]:
    """The report. Raises RowbellError."""
    async with ground.prepared(settings, drain.QUEUE, sure=sure) as (url, bench, database):
        own = drain.settings_of_worker(settings, url)

        async def run(leg: str) -> Figures:
            await bench.clean(drain.QUEUE, KINDS)
            async with contextlib.AsyncExitStack() as stack:
                if leg == "snapshot held":
                    other = await stack.enter_async_context(Bench.opened(url))
                    await stack.enter_async_context(other.snapshot_held())
                await drain.fill(bench, Load.NO_OP.kind, tasks)
                seconds, cpu = await drain.drained(own, bench, Load.NO_OP.kind, tasks)
            return {
                "tasks_per_second": round(tasks / seconds),
                "seconds": round(seconds, 3),
                "cpu_microseconds_per_task": round(cpu / tasks * 1e6, 1),
            }

        legs = await in_turns(rounds, LEGS, run)
        return {
            "tasks": tasks,
            "rounds": rounds,
            "postgresql": await ground.description(database),
            "legs": {leg: medians(figures) for leg, figures in legs.items()},
            "ratio": ratio(legs["snapshot held"], legs["without"], "tasks_per_second"),
        }
