"""How many tasks a worker does in a second, and how many PostgreSQL alone would."""

import asyncio
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from rowbell.cli.bench import ground
from rowbell.cli.bench.kinds import bench_cpu_process, bench_cpu_thread, bench_noop, bench_thread
from rowbell.cli.bench.load import KINDS, Load
from rowbell.cli.bench.progress import Progress
from rowbell.cli.bench.rounds import Figures, in_turns, medians, ratio
from rowbell.cli.bench.worker import WorkerProcess
from rowbell.config import Settings
from rowbell.db.bench import Bench, drain_bare
from rowbell.db.pool import Database
from rowbell.decorator import describe
from rowbell.errors import RowbellError
from rowbell.handlers import Handlers

QUEUE = "bench_drain"
FILL = 5_000
POLL_SECONDS = 0.03
STUCK_SECONDS = 30.0


async def measure(
    settings: Settings, tasks: int, load: Load, processes: int, rounds: int, *, sure: bool
) -> dict[str, Any]:
    """The report; its figures are medians. Raises RowbellError."""
    async with ground.prepared(settings, QUEUE, sure=sure) as (url, bench, database):
        own = settings_of_worker(settings, url)

        async def run(leg: str) -> Figures:
            await bench.clean(QUEUE, KINDS)
            await fill(bench, load.kind, tasks)
            if leg == "floor":
                seconds, cpu_seconds = await _floor(database, tasks), 0.0
            else:
                seconds, cpu_seconds = await drained(own, bench, load.kind, tasks, processes)
            return {"seconds": seconds, "cpu_seconds": cpu_seconds}

        legs = await in_turns(rounds, ("rowbell", "floor"), run)
        worker, floor = medians(legs["rowbell"]), medians(legs["floor"])
        return {
            "tasks": tasks,
            "kind": str(load),
            "rounds": rounds,
            "postgresql": await ground.description(database),
            "slots": settings.slots,
            "processes": processes,
            "seconds": round(worker["seconds"], 3),
            "tasks_per_second": round(tasks / worker["seconds"]),
            "cpu_microseconds_per_task": round(worker["cpu_seconds"] / tasks * 1e6, 1),
            "floor_seconds": round(floor["seconds"], 3),
            "floor_tasks_per_second": round(tasks / floor["seconds"]),
            "ratio": ratio(legs["floor"], legs["rowbell"], "seconds"),
        }


def settings_of_worker(settings: Settings, url: str) -> Settings:
    """Those of `rowbell worker`, but for this queue and with the kinds of the bench."""
    own = {"database_url": url, "queues": (QUEUE,), "handlers": ("rowbell.cli.bench.kinds",)}
    return settings.model_copy(update={**own, "log_level": "info"})


async def fill(bench: Bench, kind: str, tasks: int) -> None:
    with Progress("filling", tasks) as progress:
        for done in range(0, tasks, FILL):
            await bench.fill(kind, QUEUE, min(FILL, tasks - done))
            progress.show(done + FILL)
    await bench.settle()


async def drained(
    settings: Settings, bench: Bench, kind: str, tasks: int, processes: int = 1
) -> tuple[float, float]:
    """Seconds from when the tasks may be claimed to the last one, and CPU seconds of the workers.

    The first of several workers does not begin before the last one is ready: the queue is paused.
    """
    with tempfile.TemporaryDirectory(prefix="rowbell-bench-") as folder:
        logs = [Path(folder) / f"worker-{number}.log" for number in range(processes)]
        crew = [WorkerProcess(settings, log) for log in logs]
        try:
            first = await bench.first_waiting(QUEUE, kind) or 0
            async with bench.paused(QUEUE) if processes > 1 else nullcontext():
                for worker in crew:
                    await worker.ready()
                started = time.perf_counter()
            await _until_drained(bench, crew, kind, first, tasks)
            seconds = time.perf_counter() - started
            return seconds, sum([await worker.stop() for worker in crew])
        finally:
            for worker in crew:
                await worker.end()


async def _until_drained(
    bench: Bench, crew: list[WorkerProcess], kind: str, first: int, tasks: int
) -> None:
    """Tasks are claimed in the order of their ids, so the first that waits shows the progress."""
    last_seen, moved_at = first, time.monotonic()
    with Progress("draining", tasks) as progress:
        while head := await bench.first_waiting(QUEUE, kind):
            _check(crew)
            if head != last_seen:
                last_seen, moved_at = head, time.monotonic()
                progress.show(head - first)
            elif time.monotonic() - moved_at > STUCK_SECONDS:
                raise RowbellError(f"no task was claimed for {STUCK_SECONDS:g} s.")
            await asyncio.sleep(POLL_SECONDS)
        while await bench.has_running(QUEUE):
            _check(crew)
            await asyncio.sleep(POLL_SECONDS)


def _check(crew: list[WorkerProcess]) -> None:
    for worker in crew:
        worker.check()


async def _floor(database: Database, tasks: int) -> float:
    handlers = Handlers(
        describe(bench_noop),
        describe(bench_thread),
        describe(bench_cpu_thread),
        describe(bench_cpu_process, runs_in="process"),
    )
    started = time.perf_counter()
    drained = await drain_bare(database, handlers, QUEUE)
    seconds = time.perf_counter() - started
    if drained != tasks:
        raise RowbellError(f"{drained} of {tasks} rows were claimed: somebody else works here.")
    return seconds
