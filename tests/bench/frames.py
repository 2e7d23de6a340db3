"""How soon a commit is a frame: `cd tests && ../.venv/bin/python -m bench.frames`.

Two processes `rowbell api` on one database of an own server. Tasks are inserted on one side, by
SQL or by a mutation of the first process; frames are read from the second process. Then one INSERT,
of one row and of many, to thousands of subscribers of one process (`ulimit -n` must allow them).
"""

import argparse
import asyncio
import random
import statistics
import tempfile
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import uvloop

from bench.crowds import DEADLINE_SECONDS, Frames, Place, Write, measure
from bench.ears import Ear, StreamEar, listen
from clients.documents import CREATE_TASK, TASK_ADDED
from clients.services import Services
from postgres import Server, embedded_binaries

INSERT = "insert into rowbell.tasks (kind, description) values ('echo', 'x')"
MANY = 20
INSERT_MANY = (
    "insert into rowbell.tasks (kind, description)"
    f" select 'echo', 'x' from generate_series(1, {MANY})"
)
CHANGES = "subscription { taskChanges { cursor event { kind task { id status } } } }"
OWN_CHANGES = """
subscription ($own: String!) {
  taskChanges(filter: {kind: ["echo", $own]}) { cursor event { kind task { id status } } }
}
"""
SORTS = (
    ("taskAdded on WebSockets", TASK_ADDED, Ear),
    ("taskChanges on WebSockets", CHANGES, Ear),
    ("taskAdded on streams", TASK_ADDED, StreamEar),
    ("taskChanges with a filter of their own", OWN_CHANGES, Ear),
)


def told(name: str, seconds: list[float]) -> None:
    ordered = sorted(second * 1000 for second in seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    print(
        f"{name:<58} p50 {statistics.median(ordered):7.1f} ms  p99 {p99:7.1f} ms"
        f"  max {ordered[-1]:7.1f} ms"
    )


async def measure_latency(address: str, ways: dict[str, Write], samples: int) -> None:
    frames = Frames()
    ear = await listen(address, TASK_ADDED, frames.heard)
    for way, write in ways.items():
        await frames.awake(write, 1)
        sent, returned = [], []
        for _ in range(samples):
            from_sent, from_return = await frames.after(write, 1)
            sent.append(from_sent)
            returned.append(from_return)
            await asyncio.sleep(random.uniform(0.03, 0.1))
        told(f"{way}: from its sending to the frame", sent)
        told(f"{way}: from its return to the frame", returned)
    ear.transport.abort()


async def measure_crowds(place: Place, sql: asyncpg.Connection, options: Any) -> None:
    for name, query, sort in SORTS:
        print(f"{options.subscribers:,} subscribers, {name}:")
        async with place.crowd(query, options.subscribers, sort) as frames:
            one = lambda: sql.execute(INSERT)  # noqa: E731
            await frames.awake(one, options.subscribers)
            told = options.subscribers
            await measure(place, frames, one, told=told, samples=options.events)
            many = lambda: sql.execute(INSERT_MANY)  # noqa: E731
            await measure(place, frames, many, told=told * MANY, samples=options.events)
        await asyncio.sleep(1.0)


async def run(server: Server, home: Path, options: argparse.Namespace) -> None:
    services = Services(server.url(), home)
    try:
        first, second = services.start("api", "api")
        connection = await asyncpg.connect(server.url())
        async with httpx.AsyncClient(base_url=first, timeout=DEADLINE_SECONDS) as http:
            body = {"query": CREATE_TASK, "variables": {"input": {"description": "x"}}}
            ways: dict[str, Write] = {
                "INSERT": lambda: connection.execute(INSERT),
                "mutation on another process": lambda: http.post("/graphql", json=body),
            }
            await measure_latency(second, ways, options.samples)
            place = Place(second, services.at(second).process.pid)
            await measure_crowds(place, connection, options)
        await connection.close()
    finally:
        services.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--subscribers", type=int, default=4000)
    parser.add_argument("--events", type=int, default=9)
    options = parser.parse_args()
    server = Server("packaged", embedded_binaries())
    try:
        with tempfile.TemporaryDirectory() as home:
            uvloop.run(run(server, Path(home), options))
    finally:
        server.remove()


if __name__ == "__main__":
    main()
