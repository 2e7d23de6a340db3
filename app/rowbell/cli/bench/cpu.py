"""What a second core brings to handlers that only compute."""

import asyncio
import statistics
import time
from typing import Any

from rowbell.cli.bench import ground
from rowbell.cli.bench.load import Load
from rowbell.cli.bench.progress import Progress
from rowbell.config import Settings
from rowbell.crew import Crew
from rowbell.db.bench import Bench
from rowbell.errors import RowbellError

QUEUE = "bench_cpu"
POLL_SECONDS = 0.01
PATIENCE_SECONDS = 300.0
WARM_UP = 8
"""First tasks, which are not counted: processes start with them."""
SLOTS = 2
"""A worker that computes in threads should not claim what another could begin."""

Variant = tuple[Load, dict[str, int]]
VARIANTS: dict[str, tuple[Variant, Variant]] = {
    "process_slots": (
        (Load.CPU_PROCESS, {"process_slots": 1}),
        (Load.CPU_PROCESS, {"process_slots": 2}),
    ),
    "processes": (
        (Load.CPU_THREAD, {"processes": 1, "slots": SLOTS}),
        (Load.CPU_THREAD, {"processes": 2, "slots": SLOTS}),
    ),
}
"""What is doubled: processes for the handlers of one worker, or workers."""


async def measure(settings: Settings, tasks: int, rounds: int, *, sure: bool) -> dict[str, Any]:
    """Tasks a second with one and with two, taken in turns. Raises RowbellError."""
    async with ground.prepared(settings, QUEUE, sure=sure) as (url, bench, database):
        own = {"database_url": url, "queues": (QUEUE,), "handlers": ("rowbell.cli.bench.kinds",)}
        base = settings.model_copy(update={**own, "log_level": "error"})
        rates: dict[str, list[list[float]]] = {name: [[], []] for name in VARIANTS}
        with Progress("measuring", rounds * 2 * len(VARIANTS)) as progress:
            for turn in range(rounds):
                for name, variants in VARIANTS.items():
                    for number, (load, changes) in enumerate(variants):
                        one = base.model_copy(update=changes)
                        rates[name][number].append(await _rate(one, bench, load.kind, tasks))
                progress.show((turn + 1) * 2 * len(VARIANTS))
        return {
            "tasks": tasks,
            "rounds": rounds,
            "postgresql": await ground.description(database),
            **{name: _report(*both) for name, both in rates.items()},
        }


async def _rate(settings: Settings, bench: Bench, kind: str, tasks: int) -> float:
    """Tasks a second, from the insert to the last outcome."""
    crew = Crew(settings)
    running = asyncio.create_task(crew.run(), name="crew")
    ready = asyncio.create_task(crew.ready.wait())
    try:
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running  # raises what ended it
        await _drained(bench, kind, WARM_UP)
        return tasks / await _drained(bench, kind, tasks)
    finally:
        ready.cancel()
        crew.stop()
        await asyncio.wait({running})


async def _drained(bench: Bench, kind: str, tasks: int) -> float:
    started = time.perf_counter()
    await bench.fill(kind, QUEUE, tasks)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await _is_open(bench, kind):  # noqa: ASYNC110 - a database is asked
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise RowbellError(f"{tasks} tasks were not done in {PATIENCE_SECONDS:g} s.") from None
    return time.perf_counter() - started


async def _is_open(bench: Bench, kind: str) -> bool:
    return bool(await bench.first_waiting(QUEUE, kind)) or await bench.has_running(QUEUE)


def _report(one: list[float], two: list[float]) -> dict[str, Any]:
    first, second = statistics.median(one), statistics.median(two)
    return {
        "one_tasks_per_second": round(first, 2),
        "two_tasks_per_second": round(second, 2),
        "ratio": round(second / first, 3),
        "all": [[round(each, 2) for each in both] for both in (one, two)],
    }
