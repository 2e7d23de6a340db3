"""What idle workers cost: pickup, CPU of PostgreSQL and claims of a task, with many and one."""

import asyncio
from typing import Any

from rowbell.cli.bench import ground
from rowbell.cli.bench.herd import herd
from rowbell.cli.bench.load import KINDS, PROBE
from rowbell.cli.bench.paced import Paced, arrived, percentiles
from rowbell.cli.bench.rounds import Figures, in_turns, medians, ratio
from rowbell.cli.bench.server_cpu import ServerCpu
from rowbell.config import Settings

QUEUE = "bench_listeners"
WARM_UP = 20


async def measure(
    settings: Settings, workers: int, tasks: int, rate: float, rounds: int, *, sure: bool
) -> dict[str, Any]:
    """The report. Raises RowbellError."""
    async with ground.prepared(settings, QUEUE, sure=sure) as (url, bench, database):
        await ground.has_room(bench, 4 * workers)
        counted = await ground.counting(bench, url)
        own = settings.model_copy(update={"database_url": counted, "queues": (QUEUE,)})
        cpu = ServerCpu(bench.process)

        async def run(leg: str) -> Figures:
            await bench.clean(QUEUE, KINDS)
            async with herd(own, workers if leg == "many" else 1) as workers_of_leg:
                await asyncio.sleep(1)  # what they do at the start is not theirs for a task
                _, claims_before = await bench.usage()
                cpu_before = cpu.seconds()
                rows = Paced(url, PROBE, QUEUE, number=tasks + WARM_UP, rate=rate)
                notes = await rows.insert()
                await arrived(workers_of_leg, len(notes))
                cpu_after = cpu.seconds()
                seen, _ = await workers_of_leg.stop()
            _, claims = await bench.usage()  # sessions tell it at their end
            figures = percentiles(notes, seen, skip=WARM_UP)
            if cpu_before is not None and cpu_after is not None:
                used = (cpu_after - cpu_before) / len(notes)
                figures["server_cpu_microseconds_per_task"] = round(used * 1e6, 1)
            if claims is not None:
                figures["claims_per_task"] = round((claims - (claims_before or 0)) / len(notes), 3)
            return figures

        legs = await in_turns(rounds, ("one", "many"), run)
        one, many = legs["one"], legs["many"]
        return {
            "workers": workers,
            "tasks": tasks,
            "rate": rate,
            "rounds": rounds,
            "postgresql": await ground.description(database),
            "legs": {"one": medians(one), "many": medians(many)},
            "ratios": {name: ratio(many, one, name) for name in one[0]},
        }
