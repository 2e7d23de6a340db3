"""The least that PostgreSQL can do for a row that shall run at once: what latency is measured by.

The work of the floor of the peers' harness, by which the latency of each of them is told: a bare
table with the one index that a claim needs, a trigger that notifies, a claim of what is due, and
an outcome. No leases, limits, retries or journal.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import orjson

from rowbell.db.pool import CONNECT_SECONDS, Connection
from rowbell.db.refusals import translated

_MAKE = """
create schema if not exists rowbell_bench;
create table rowbell_bench.floor (
  id bigint generated always as identity primary key, queue text not null default 'default',
  status smallint not null default 0, priority smallint not null default 0,
  attempt smallint not null default 0, run_at timestamptz not null default now(),
  payload jsonb not null) with (fillfactor = 85);
create index floor_ready on rowbell_bench.floor (queue, priority, id) where status = 0;
create function rowbell_bench.ring() returns trigger language plpgsql as $$
  begin perform pg_notify('rowbell_bench_floor', ''); return null; end $$;
create trigger ring after insert on rowbell_bench.floor
  for each statement execute function rowbell_bench.ring();
"""

INSERT = "insert into rowbell_bench.floor (payload) values ($1::text::jsonb)"

_CLAIM = """
update rowbell_bench.floor set status = 1, attempt = attempt + 1 where id in (
  select id from rowbell_bench.floor
  where status = 0 and queue = 'default' and run_at <= now()
  order by priority, id limit 500 for update skip locked)
returning id, payload::text
"""


class Floor:
    """One connection to the table of the floor."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str) -> AsyncIterator["Floor"]:
        """Raises Unavailable."""
        with translated():
            connection = await asyncpg.connect(
                url,
                timeout=CONNECT_SECONDS,
                server_settings={"application_name": "rowbell bench"},
            )
            try:
                yield cls(connection)
            finally:
                await connection.close(timeout=CONNECT_SECONDS)

    async def make(self) -> None:
        """An empty table, whatever a bench before has left."""
        await self.drop()
        await self._connection.execute(_MAKE)

    async def drop(self) -> None:
        await self._connection.execute("drop schema if exists rowbell_bench cascade")

    async def listen(self, wake: Callable[[], None]) -> None:
        await self._connection.add_listener("rowbell_bench_floor", lambda *_: wake())

    async def claim(self) -> list[tuple[int, int]]:
        """The id and the number of each row that waits."""
        return [
            (row[0], orjson.loads(row[1])["number"]) for row in await self._connection.fetch(_CLAIM)
        ]

    async def complete(self, ids: list[int]) -> None:
        await self._connection.execute(
            "update rowbell_bench.floor set status = 2 where id = any ($1)", ids
        )
