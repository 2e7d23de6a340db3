"""How many rows go in: one by one, by many clients, by one statement, by COPY."""

import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from rowbell.cli.bench import ground
from rowbell.cli.bench.clients import Clients
from rowbell.cli.bench.load import KINDS, Load
from rowbell.cli.bench.rounds import Figures, in_turns, medians
from rowbell.config import Settings

QUEUE = "bench_enqueue"
AT_ONCE = 1_000


async def measure(
    settings: Settings, clients: int, seconds: float, rounds: int, *, sure: bool
) -> dict[str, Any]:
    """The report. Raises RowbellError."""
    async with ground.prepared(settings, QUEUE, sure=sure) as (url, bench, database):
        await ground.has_room(bench, clients)
        legs = (
            "one client",
            f"{clients} clients",
            f"INSERT of {AT_ONCE:,}",
            f"COPY of {AT_ONCE:,}",
        )

        async def run(leg: str) -> Figures:
            await bench.clean(QUEUE, KINDS)
            await bench.settle()
            kind = Load.NO_OP.kind
            if leg == legs[2]:
                return await _bulk(lambda: bench.fill(kind, QUEUE, AT_ONCE), seconds)
            if leg == legs[3]:
                return await _bulk(lambda: bench.copy(kind, QUEUE, AT_ONCE), seconds)
            number = 1 if leg == legs[0] else clients
            rate, taken = await Clients(url, kind, QUEUE, number, seconds).insert()
            return _figures(rate, taken)

        return {
            "clients": clients,
            "seconds": seconds,
            "rounds": rounds,
            "postgresql": await ground.description(database),
            "legs": {
                leg: medians(figures)
                for leg, figures in (await in_turns(rounds, legs, run)).items()
            },
        }


async def _bulk(insert: Callable[[], Awaitable[None]], seconds: float) -> Figures:
    taken = []
    began = time.perf_counter()
    while time.perf_counter() < began + seconds:
        before = time.perf_counter()
        await insert()
        taken.append(time.perf_counter() - before)
    return _figures(AT_ONCE * len(taken) / (time.perf_counter() - began), taken)


def _figures(rate: float, taken: list[float]) -> Figures:
    return {
        "rows_per_second": round(rate),
        "p50_milliseconds": round(statistics.median(taken) * 1_000, 3),
        "p99_milliseconds": round(sorted(taken)[int(len(taken) * 0.99)] * 1_000, 3),
    }
