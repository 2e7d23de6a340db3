"""Lists of twenty tasks among ten million and among ten thousand: each asked of both in turns.

From tests/: python -m bench.lists [--tasks 10000000] [--runs 40]. A server of its own, filled in a
quarter of an hour; 6 GB. Prints medians in milliseconds, and the first in terms of the second: as
they passed, and of the server's CPU, which others on the machine change less.
"""

import argparse
import asyncio
import statistics
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rowbell.cli.serve import event_loop
from rowbell.db import lists
from rowbell.db.pool import Database
from rowbell.task import Filter, Status
from rowbell.viewer import ANYBODY, Role, Viewer

from bench.filling import filled

FEW = 10_000
SIZE = 20
NOW = datetime.now(UTC)
SOMEBODY = Viewer(role=Role.PRODUCER, subject="author_7", audiences=frozenset({"team_1"}))
Taken = tuple[float, float]
"""Milliseconds that passed, and those of the server's CPU."""
LISTS: dict[str, tuple[Filter, Viewer]] = {
    "no filter": (Filter(), ANYBODY),
    **{status: (Filter(status=[status]), ANYBODY) for status in Status},
    "kind": (Filter(kind=["send_email"]), ANYBODY),
    "queue": (Filter(queue=["queue_2"]), ANYBODY),
    "status, queue": (Filter(status=[Status.FAILED], queue=["queue_2"]), ANYBODY),
    "status, kind": (Filter(status=[Status.COMPLETED], kind=["echo"]), ANYBODY),
    "author": (Filter(created_by=["author_7"]), ANYBODY),
    "created range": (
        Filter(created_after=NOW - timedelta(days=5), created_before=NOW - timedelta(days=2)),
        ANYBODY,
    ),
    "finished range": (
        Filter(finished_after=NOW - timedelta(days=5), finished_before=NOW - timedelta(days=2)),
        ANYBODY,
    ),
    "ids": (Filter(ids=[7, 77, 777, 9_999]), ANYBODY),
    "a producer's": (Filter(), SOMEBODY),
    "a producer's, status": (Filter(status=[Status.FAILED]), SOMEBODY),
    "author, status": (Filter(created_by=["author_7"], status=[Status.CANCELLED]), ANYBODY),
    "finished range, kind": (
        Filter(finished_before=NOW - timedelta(days=2), kind=["send_email"]),
        ANYBODY,
    ),
    "text, that many have": (Filter(text="letter_7"), ANYBODY),
    "text, that none has": (Filter(text="nowhere"), ANYBODY),
}


async def measure(urls: dict[int, str], runs: int) -> None:
    """Print a line for each list."""
    many, few = sorted(urls, reverse=True)
    async with AsyncExitStack() as stack:
        databases = {}
        for tasks, url in urls.items():
            databases[tasks] = await Database.open(url, name="rowbell bench")
            stack.push_async_callback(databases[tasks].close)
        sessions = {tasks: await _sessions(database) for tasks, database in databases.items()}
        print(f"| list | {many:,} | {few:,} | times | CPU ms of the server | | times |")
        print("|---|--:|--:|--:|--:|--:|--:|")
        for name, (wanted, viewer) in LISTS.items():
            taken: dict[int, list[Taken]] = {many: [], few: []}
            for run in range(-1, runs):
                for tasks in (many, few) if run % 2 else (few, many):
                    seen = await _ask(databases[tasks], sessions[tasks], wanted, viewer)
                    if run >= 0:  # the first one makes the plans
                        taken[tasks].append(seen)
            most, least = (_medians(taken[tasks]) for tasks in (many, few))
            each = (f"{a:.2f} | {b:.2f} | {a / b:.2f}" for a, b in zip(most, least, strict=True))
            print(f"| {name} | {' | '.join(each)} |", flush=True)


async def _ask(database: Database, sessions: list[int], wanted: Filter, viewer: Viewer) -> Taken:
    used = _cpu_ms(sessions)
    began = time.perf_counter()
    await lists.page(database, wanted, size=SIZE, viewer=viewer)
    return 1_000 * (time.perf_counter() - began), _cpu_ms(sessions) - used


async def _sessions(database: Database) -> list[int]:
    """The processes of PostgreSQL that answer; asked one by one, no others come."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            "select pid from pg_stat_activity where datname = current_database()"
            " and application_name = 'rowbell bench'"
        )
    return [row[0] for row in rows]


def _cpu_ms(sessions: list[int]) -> float:
    stats = [Path(f"/proc/{pid}/schedstat").read_text() for pid in sessions]
    return sum(int(stat.split()[0]) for stat in stats) / 1e6


def _medians(taken: list[Taken]) -> Taken:
    passed, used = zip(*taken, strict=True)
    return statistics.median(passed), statistics.median(used)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.lists")
    parser.add_argument("--tasks", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=40)
    options = parser.parse_args()
    with filled(options.tasks, FEW) as urls, asyncio.Runner(loop_factory=event_loop()) as runner:
        runner.run(measure(urls, options.runs))


if __name__ == "__main__":
    main()
