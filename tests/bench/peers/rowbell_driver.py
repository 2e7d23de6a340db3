"""Rowbell in the harness of the peers: copied there as drivers/rowbell.py, run by its Python."""

import asyncio
import contextlib
import json

import asyncpg

from rowbell import logs
from rowbell.cli.serve import collect_rarely
from rowbell.config import Settings
from rowbell.db.migrate import migrate
from rowbell.decorator import describe
from rowbell.handlers import Handlers
from rowbell.runtime import Service

from .base import Driver  # noqa: TID252 - the harness is a package of its own

INSERT = """insert into rowbell.tasks (kind, payload) values ('bench_job', '{"i": 1}');"""


class D(Driver):
    name = "rowbell"
    config = "defaults of `rowbell worker`; rows kept, journal on; one INSERT a row, or a call"
    # Two counts, so that each finds its rows by an index and not among all that are finished.
    pending_sql = """
      select (select count(*) from rowbell.tasks where status = 'PROCESSING')
        + (select count(*) from rowbell.tasks where status = 'PENDING' and concurrency_key is null
             and ((after is null and after_batch is null) or parents = 'met'))"""
    channels = ["rowbell_bell"]  # noqa: RUF012 - as the harness has it
    drain_jobs = 50_000
    insert_on = INSERT
    insert_off = INSERT
    ddl_off = "alter table rowbell.tasks disable trigger bell_for_inserts"
    ddl_on = "alter table rowbell.tasks enable always trigger bell_for_inserts"

    async def setup(self) -> None:
        await migrate(self.dsn)

    async def open(self, conns: int) -> None:
        self.pool = await asyncpg.create_pool(self.dsn, min_size=conns, max_size=conns)

    async def enqueue(self, i: int) -> None:
        await self.pool.execute(
            "insert into rowbell.tasks (kind, payload) values ('bench_job', $1)",
            json.dumps({"i": i}),
        )

    async def enqueue_bulk(self, ids: list[int]) -> None:
        await self.pool.execute(
            "insert into rowbell.tasks (kind, payload)"
            " select 'bench_job', p from unnest($1::text[]::jsonb[]) p",
            [json.dumps({"i": i}) for i in ids],
        )

    async def close(self) -> None:
        await self.pool.close()

    async def run_worker(self, on_job, ready, stop, instances=1) -> None:
        logs.configure("info", "json")
        collect_rarely()  # as `rowbell worker` does

        async def bench_job(payload: dict[str, int]) -> None:
            """Tell the harness."""
            on_job(payload["i"])

        handlers = Handlers(describe(bench_job, kind="bench_job"))
        changes = {"slots": self.conc} if self.conc else {}
        settings = Settings.load({}, database_url=self.dsn, queues=("default",), **changes)
        greeted = asyncio.Semaphore(0)
        services = [
            Service(
                settings,
                with_api=False,
                handlers=handlers,
                greet=lambda _: greeted.release(),
                orders=_Signals(),
            )
            for _ in range(instances)
        ]
        async with asyncio.TaskGroup() as group:
            for service in services:
                group.create_task(service.run())
                await greeted.acquire()
            ready()
            await stop.wait()
            for service in services:
                service.stop()


class _Signals:
    """The harness listens to signals itself."""

    @contextlib.contextmanager
    def followed(self, _):
        yield
