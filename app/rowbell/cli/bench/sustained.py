"""The highest rate that is kept with a p99 below a tenth of a second, from call to handler."""

from typing import Any

from rowbell.cli.bench import ground
from rowbell.cli.bench.herd import herd
from rowbell.cli.bench.load import KINDS, PROBE
from rowbell.cli.bench.paced import Paced, arrived, percentiles
from rowbell.cli.bench.progress import Progress
from rowbell.config import Settings
from rowbell.db.bench import Bench
from rowbell.errors import RowbellError

QUEUE = "bench_sustained"
TICK_SECONDS = 0.02
MOST_MILLISECONDS = 100.0
LADDER = (
    500,
    1_000,
    2_000,
    3_000,
    4_000,
    5_000,
    6_000,
    8_000,
    10_000,
    12_000,
    15_000,
    18_000,
    22_000,
    27_000,
)
TRIES = 2
"""Of each rate: the machine has other things to do, too."""


async def measure(
    settings: Settings, rate: int | None, seconds: float, hold: float, *, sure: bool
) -> dict[str, Any]:
    """The report. rate: that one alone; None: up the ladder, then hold the best."""
    async with ground.prepared(settings, QUEUE, sure=sure) as (url, bench, database):
        own = settings.model_copy(update={"database_url": url, "queues": (QUEUE,)})
        steps: list[dict[str, Any]] = []
        kept: int | None = None
        with Progress("climbing", 1 if rate else len(LADDER)) as progress:
            for number, step in enumerate((rate,) if rate else LADDER):
                steps.append(await _try(own, bench, step, seconds))
                progress.show(number + 1)
                if not steps[-1]["keeps_up"]:
                    break
                kept = step
        while kept and not rate and hold > seconds:
            steps.append(await _try(own, bench, kept, hold))
            if steps[-1]["keeps_up"]:
                break
            kept = max((step for step in LADDER if step < kept), default=None)
        return {
            "seconds": seconds if rate else hold,
            "postgresql": await ground.description(database),
            "highest_rate": kept,
            "steps": steps,
        }


async def _try(settings: Settings, bench: Bench, rate: int, seconds: float) -> dict[str, Any]:
    for _ in range(TRIES):
        step = await _step(settings, bench, rate, seconds)
        if step["keeps_up"]:
            break
    return step


async def _step(settings: Settings, bench: Bench, rate: int, seconds: float) -> dict[str, Any]:
    await bench.clean(QUEUE, KINDS)
    await bench.settle()
    url = settings.database_url or ""
    async with herd(settings, 1) as worker:
        rows = Paced(url, PROBE, QUEUE, number=round(rate * seconds), rate=rate, tick=TICK_SECONDS)
        notes = await rows.insert()
        offered = len(notes) / (notes[-1][1] - notes[0][0])
        try:
            await arrived(worker, len(notes))
        except RowbellError:
            return {"rate": rate, "offered": round(offered), "keeps_up": False}
        seen, cpu = await worker.stop()
    figures = percentiles(notes, seen)
    return {
        "rate": rate,
        "offered": round(offered),
        **figures,
        "cpu_microseconds_per_task": round(cpu / len(notes) * 1e6, 1),
        "keeps_up": figures["p99_milliseconds"] < MOST_MILLISECONDS and offered > 0.95 * rate,
    }
