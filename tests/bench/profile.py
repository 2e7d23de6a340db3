"""Where the time of a task goes: in PostgreSQL by statement, in Python by function.

From tests/: python -m bench.profile server|client [--tasks 20000]. A server of its own, fsync on.
"""

import argparse
import asyncio
import contextlib
import cProfile
import os
import pstats
import tempfile

import asyncpg

from rowbell import logs
from rowbell.cli.bench import drain
from rowbell.cli.bench.kinds import bench_noop
from rowbell.cli.bench.load import Load
from rowbell.cli.serve import event_loop
from rowbell.config import Settings
from rowbell.db.bench import Bench
from rowbell.db.migrate import migrate
from rowbell.decorator import describe
from rowbell.handlers import Handlers
from rowbell.runtime import Service

from postgres import Server, embedded_binaries

STATEMENTS = """
select round(total_exec_time::numeric * 1000 / $1, 2) as us, calls,
  round((shared_blks_hit + shared_blks_read)::numeric / $1, 2) as buffers,
  round(wal_bytes / $1, 1) as wal, left(regexp_replace(query, '\\s+', ' ', 'g'), 90) as query
from pg_stat_statements where toplevel = $2 and query not like '%pg_stat_%'
order by total_exec_time desc limit 14
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.profile")
    parser.add_argument("side", choices=("server", "client"))
    parser.add_argument("--tasks", type=int, default=20_000)
    options = parser.parse_args()
    extra = ("fsync = on", "shared_preload_libraries = 'pg_stat_statements'")
    server = Server("profile", embedded_binaries(), *extra, "pg_stat_statements.track = all")
    try:
        with asyncio.Runner(loop_factory=event_loop()) as runner:
            side = _server if options.side == "server" else _client
            runner.run(side(server.url(), options.tasks))
    finally:
        server.remove()


async def _server(url: str, tasks: int) -> None:
    await migrate(url)
    connection = await asyncpg.connect(url)
    await connection.execute("create extension pg_stat_statements")
    async with Bench.opened(url) as bench:
        settings = drain.settings_of_worker(Settings.load({}, database_url=url), url)
        await drain.fill(bench, Load.NO_OP.kind, tasks)
        await connection.execute("select pg_stat_statements_reset()")
        seconds, cpu = await drain.drained(settings, bench, Load.NO_OP.kind, tasks)
    print(f"{tasks} tasks in {seconds:.2f} s; worker {cpu / tasks * 1e6:.1f} µs of CPU a task")
    for toplevel, words in ((True, "statements"), (False, "within them (functions, triggers)")):
        print(f"\n| µs a task | calls | buffers a task | WAL bytes a task | {words} |")
        print("|--:|--:|--:|--:|---|")
        for row in await connection.fetch(STATEMENTS, tasks, toplevel):
            print("| " + " | ".join(str(cell) for cell in row) + " |")
    await connection.close()


async def _client(url: str, tasks: int) -> None:
    await migrate(url)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):  # noqa: ASYNC230, PTH123 - it is no file
        logs.configure("info", "json")
        await _profiled(url, tasks)


async def _profiled(url: str, tasks: int) -> None:
    ready = asyncio.Event()
    async with Bench.opened(url) as bench:
        await drain.fill(bench, "bench_noop", tasks)
        settings = drain.settings_of_worker(Settings.load({}, database_url=url), url)
        service = Service(
            settings,
            with_api=False,
            handlers=Handlers(describe(bench_noop)),
            greet=lambda _: ready.set(),
        )
        profile = cProfile.Profile()
        profile.enable()
        running = asyncio.create_task(service.run())
        await ready.wait()
        while await bench.first_waiting(drain.QUEUE, "bench_noop"):
            await asyncio.sleep(0.05)
        service.stop()
        await running
        profile.disable()
    with tempfile.NamedTemporaryFile() as file:
        profile.dump_stats(file.name)
        pstats.Stats(file.name).strip_dirs().sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
