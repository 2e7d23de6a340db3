"""Requests that mean harm, 2,000 of each kind, at a service whose event loop is watched.

From tests/: python -m bench.hostile [--requests 2000]. A kind passes if no answer is a 500, the
event loop was never busy for over 100 ms, and tasks, connections and guests are back where they
were. The client runs in a process of its own, so that the loop that is watched is the server's.
"""

import argparse
import asyncio
import gc
import multiprocessing
import resource
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvloop

from rowbell import logs
from rowbell.api.limits import Limits
from rowbell.db.migrate import migrate

from bench.attacks import ATTACKS, attack
from graphql_server import Served, serving
from postgres import Server, available

LONGEST_SECONDS = 0.1
SETTLE_SECONDS = 15.0
TICK_SECONDS = 0.002
LIMITS = Limits(body_seconds=0.5, init_seconds=0.5, send_seconds=1, rate=0)


@dataclass(slots=True)
class Ticker:
    """Notes the longest time that the event loop was not there for others."""

    longest: float = 0.0
    """By the clock; on a busy machine others have a part in it."""
    busiest: float = 0.0
    """By the CPU time of the loop's thread: what others took of the core is no fault of ours."""

    async def run(self) -> None:
        clock, spent = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now, used = time.perf_counter(), time.thread_time()
            self.longest = max(self.longest, now - clock - TICK_SECONDS)
            self.busiest = max(self.busiest, used - spent)
            clock, spent = now, used


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one kind of attack."""

    kind: str
    answers: dict[str, int]
    longest_ms: float
    busy_ms: float
    left: str
    seconds: float
    megabytes: float

    @property
    def problems(self) -> list[str]:
        found = [f"answer {name}" for name in self.answers if name.startswith("500")]
        if self.busy_ms > LONGEST_SECONDS * 1_000:
            found.append(f"the event loop was busy for {self.busy_ms:.0f} ms")
        return found + ([f"left behind: {self.left}"] if self.left else [])


Attacking = Callable[[str, str, int], Awaitable[Mapping[str, int]]]


@asynccontextmanager
async def elsewhere() -> AsyncIterator[Attacking]:
    """Attacks from a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_attack, args=(theirs,), daemon=True)
    process.start()

    async def attacking(*wanted: str | int) -> Mapping[str, int]:
        ours.send(wanted)
        counted: Counter[str] = await asyncio.to_thread(ours.recv)
        return counted

    try:
        yield attacking
    finally:
        ours.send(None)
        process.join(10)


def _attack(line: Any) -> None:
    while (wanted := line.recv()) is not None:
        line.send(uvloop.run(attack(*wanted)))


async def measure(served: Served, kind: str, requests: int, attacking: Attacking) -> Report:
    """Attack, and look what is left once everything has had time to end."""
    before = _inventory(served)
    memory = _megabytes()
    ticker = Ticker()
    ticking = asyncio.create_task(ticker.run())
    began = time.perf_counter()
    answers = dict(await attacking(served.address, kind, requests))
    seconds = time.perf_counter() - began
    ticking.cancel()
    await asyncio.gather(ticking, return_exceptions=True)
    left = await _settled(served, before)
    return Report(
        kind,
        answers,
        round(ticker.longest * 1_000, 1),
        round(ticker.busiest * 1_000, 1),
        left,
        round(seconds, 1),
        round(_megabytes() - memory, 1),
    )


def _inventory(served: Served) -> dict[str, int]:
    gc.collect()
    return {
        "tasks": len(asyncio.all_tasks()),
        "connections": served.server.connections,
        "guests": len(served.lobby),
        "subscribers": served.watch.subscribers,
    }


async def _settled(served: Served, before: dict[str, int]) -> str:
    until = time.perf_counter() + SETTLE_SECONDS
    while True:
        now = _inventory(served)
        more = {name: now[name] - count for name, count in before.items() if now[name] > count}
        if not more or time.perf_counter() > until:
            return ", ".join(f"{count} {name}" for name, count in more.items())
        await asyncio.sleep(0.05)


def _megabytes() -> float:
    """What the process has of the memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1_048_576


@asynccontextmanager
async def target() -> AsyncIterator[Served]:
    """A service on a server of its own."""
    server = Server("packaged", available()["packaged"])
    try:
        await migrate(server.url())
        async with AsyncExitStack() as stack:
            yield await stack.enter_async_context(serving(server.url(), limits=LIMITS))
    finally:
        server.remove()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("kinds", nargs="*", default=list(ATTACKS))
    given = parser.parse_args()
    problems: list[str] = []
    logs.configure("warning")
    async with target() as served, elsewhere() as attacking:
        for kind in given.kinds:
            report = await measure(served, kind, given.requests, attacking)
            problems += [f"{kind}: {problem}" for problem in report.problems]
            print(orjson.dumps(report).decode(), flush=True)
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    uvloop.run(main())
