"""What a service costs that has nothing to do."""

import asyncio
import time
from typing import Any

from rowbell.cli.bench import ground
from rowbell.cli.bench.herd import herd
from rowbell.cli.bench.progress import Progress
from rowbell.cli.bench.server_cpu import ServerCpu
from rowbell.config import Settings

QUEUE = "bench_idle"
SETTLE_SECONDS = 3.0


async def measure(
    settings: Settings, workers: int, seconds: float, *, sure: bool
) -> dict[str, Any]:
    """The report. Raises RowbellError."""
    async with ground.prepared(settings, QUEUE, sure=sure) as (url, bench, database):
        await ground.has_room(bench, 4 * workers)
        own = settings.model_copy(update={"database_url": url, "queues": (QUEUE,)})
        cpu = ServerCpu(bench.process)
        alone = await _over(bench, cpu, seconds)
        async with herd(own, workers) as idle:
            await asyncio.sleep(SETTLE_SECONDS)
            began = time.monotonic()
            together = await _over(bench, cpu, seconds)
            _, worker_cpu = await idle.stop()
            lived = time.monotonic() - began + SETTLE_SECONDS
        return {
            "workers": workers,
            "seconds": seconds,
            "postgresql": await ground.description(database),
            "transactions_per_second": round((together[0] - alone[0]) / seconds, 2),
            "worker_core_percent": round(100 * worker_cpu / lived, 2),
            "server_core_percent": _percent(together[1], alone[1], seconds),
        }


async def _over(bench: Any, cpu: ServerCpu, seconds: float) -> tuple[int, float | None]:
    """Transactions and CPU seconds of the server within so many seconds."""
    transactions, _ = await bench.usage()
    used = cpu.seconds()
    with Progress("waiting", round(seconds)) as progress:
        for second in range(round(seconds)):
            await asyncio.sleep(1)
            progress.show(second)
    now = cpu.seconds()
    spent = None if used is None or now is None else now - used
    return (await bench.usage())[0] - transactions, spent


def _percent(spent: float | None, without: float | None, seconds: float) -> float | None:
    if spent is None or without is None:
        return None
    return round(max(0.0, 100 * (spent - without) / seconds), 2)
