"""`{ task(id: 1) { id status } }` by rowbell and by ariadne's own handler, in one run.

From tests/: python -m bench.graphql [--seconds 4] [--rounds 3]. Both serve the same schema object,
in one process on one core, with the same uvicorn, loop, database and client. Of one core: of the
CPU time that the process had, which others on the machine do not change.
"""

import argparse
import asyncio
import socket
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import orjson
import uvicorn
import uvloop
from ariadne.asgi import GraphQL

from rowbell.api.asgi import create_app
from rowbell.api.auth import Gate
from rowbell.api.context import RequestContext
from rowbell.api.kinds import Kinds
from rowbell.api.limits import Limits
from rowbell.api.readings import Readings
from rowbell.api.reads import Reads
from rowbell.api.schema import build
from rowbell.api.server import Server
from rowbell.api.stacks import Stacks
from rowbell.api.subscriptions import Watch
from rowbell.config import Settings
from rowbell.db.migrate import migrate
from rowbell.db.pool import Database
from rowbell.viewer import ANYBODY

from bench.asking import client
from postgres import Server as Postgres
from postgres import available

QUERY = "{ task(id: 1) { id status } }"


async def measure(
    url: str, seconds: float, rounds: int, connections: int
) -> dict[str, dict[str, float]]:
    """Answers a second of each, the median of the rounds, and how many times more ours has."""
    async with AsyncExitStack() as stack:
        connection = await asyncpg.connect(url)
        await connection.execute("insert into rowbell.tasks (kind) values ('echo')")
        await connection.close()
        database = await Database.open(url, name="rowbell bench")
        stack.push_async_callback(database.close)
        ours = await stack.enter_async_context(_ours(database))
        theirs = await stack.enter_async_context(_theirs(database))
        body = orjson.dumps({"query": QUERY})
        asking = await stack.enter_async_context(client(body, connections))
        rates: dict[str, list[float]] = {"rowbell": [], "ariadne": []}
        core: dict[str, list[float]] = {"rowbell": [], "ariadne": []}
        for address in (ours, theirs):
            await asking.ask(address, 0.5)
        for _ in range(rounds):
            for name, address in (("rowbell", ours), ("ariadne", theirs)):
                began = time.process_time()
                rate = await asking.ask(address, seconds)
                rates[name].append(rate)
                core[name].append(rate * seconds / (time.process_time() - began))
    return {
        "answers a second": _compared(rates),
        "answers a second of one core": _compared(core),
    }


def _compared(rates: dict[str, list[float]]) -> dict[str, float]:
    medians = {name: statistics.median(each) for name, each in rates.items()}
    return {
        **{name: round(each) for name, each in medians.items()},
        "times": round(medians["rowbell"] / medians["ariadne"], 2),
    }


@asynccontextmanager
async def _ours(database: Database) -> AsyncIterator[str]:
    with _bound() as bound:
        limits = Limits(rate=10_000_000)
        gate = Gate(database, Settings.load({}))
        await gate.prepare()
        app = create_app(database, Watch(database), gate, readiness=lambda: None, limits=limits)
        server = Server(app, bound)
        serving = asyncio.create_task(server.run())
        await server.ready.wait()
        yield f"{server.address}/graphql"
        await server.close()
        await serving


@asynccontextmanager
async def _theirs(database: Database) -> AsyncIterator[str]:
    kinds, watch, reads = Kinds(database), Watch(database), Reads(database)
    readings, stacks = Readings(), Stacks(database)

    def context(request: Any, *_: Any) -> RequestContext:
        return RequestContext(
            database=database,
            watch=watch,
            kinds=kinds,
            reads=reads,
            readings=readings,
            stacks=stacks,
            viewer=ANYBODY,
            connection=request,
        )

    app = GraphQL(build(), context_value=context)
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    with _bound() as bound:
        serving = asyncio.create_task(server._serve([bound]))  # serve() would take the signals
        while not server.started:
            await asyncio.sleep(0.01)
        yield "http://{}:{}/".format(*bound.getsockname())
        server.should_exit = True
        await serving


def _bound() -> socket.socket:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    given = parser.parse_args()
    server = Postgres("packaged", available()["packaged"])
    try:
        await migrate(server.url())
        report = await measure(server.url(), given.seconds, given.rounds, given.connections)
    finally:
        server.remove()
    print(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    uvloop.run(main())
