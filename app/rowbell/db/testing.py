"""Databases for the tests of handlers: made from a template, with a clock that stands still."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from rowbell.db.migrate import migrate
from rowbell.db.pool import CONNECT_SECONDS, Connection, Database
from rowbell.db.refusals import translated
from rowbell.errors import ConfigurationError

# A crash loses a database that the next run of the tests makes anew.
_HURRY = (
    "alter system set fsync = off",
    "alter system set full_page_writes = off",
    "alter system set synchronous_commit = off",
    "select pg_reload_conf()",
)
_HAS_CLOCK = "select to_regclass('rowbell_testing.clock') is not null"
# What is equal to now() was written by it: as a default, or by a function without its `at`. So was
# a run_at that is a whole number of seconds away from it; any other was meant as it is written.
_CLOCK = """
create schema rowbell_testing;
create table rowbell_testing.clock (at timestamptz not null);
create function rowbell_testing.stop_clock() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  stopped timestamptz := (select c.at from rowbell_testing.clock c);
begin
  if tg_op = 'INSERT' or new.run_at <> old.run_at then
    if mod(extract(epoch from new.run_at - now()), 1) = 0 then
      new.run_at := stopped + (new.run_at - now());
    end if;
  end if;
  new.created_at := case when new.created_at = now() then stopped else new.created_at end;
  new.started_at := case when new.started_at = now() then stopped else new.started_at end;
  new.finished_at := case when new.finished_at = now() then stopped else new.finished_at end;
  new.cancel_requested_at :=
    case when new.cancel_requested_at = now() then stopped else new.cancel_requested_at end;
  return new;
end $$;
create trigger stop_clock before insert or update on rowbell.tasks
for each row execute function rowbell_testing.stop_clock();
"""
_EMPTY = """
delete from rowbell.tasks; delete from rowbell.dependencies;
delete from rowbell.buckets; delete from rowbell.workers; delete from rowbell_testing.clock
"""
_NEXT = """
select coalesce(
  min(t.run_at) filter (where t.run_at > $2),
  $2 + min(greatest(rowbell.next_run_in(t.queue, $1, $2), 1)) * interval '1 second')
from rowbell.tasks t where t.status = 'PENDING' and t.kind = any ($1)
"""


async def hurry(url: str) -> None:
    """Let a server write without waiting for the disk: only for one that is thrown away."""
    async with _connected(url) as connection:
        for statement in _HURRY:
            await connection.execute(statement)


async def create(server_url: str, *, template: str | None = None) -> str:
    """Create a database and return its URL. template: the URL of one to copy."""
    name = f"rowbell_test_{uuid.uuid4().hex[:16]}"
    copied = f" template {urlsplit(template).path[1:]}" if template else ""
    async with _connected(server_url) as connection:
        await connection.execute(f"create database {name}{copied}")
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


async def drop(server_url: str, url: str) -> None:
    """Drop a database of `create`, whoever is connected to it."""
    async with _connected(server_url) as connection:
        await connection.execute(f"drop database if exists {urlsplit(url).path[1:]} with (force)")


async def execute(url: str, sql: str) -> None:
    """Run any SQL, or none."""
    async with _connected(url) as connection:
        await connection.execute(f"{sql}\n;select")  # asyncpg stumbles over what has no statement


async def prepare(url: str) -> None:
    """Bring schema and clock into a database.

    Raises ConfigurationError for one with tasks that were not made by tests.
    """
    await migrate(url)
    async with _connected(url) as connection:
        if await connection.fetchval(_HAS_CLOCK):
            return
        if await connection.fetchval("select exists (select from rowbell.tasks)"):
            raise ConfigurationError(
                "this database has tasks that no test has made, so it is left as it is.",
                hint="Give the tests a database of their own.",
            )
        await connection.execute(_CLOCK)


async def begin(url: str, at: datetime) -> None:
    """Empty a prepared database, and stop its clock at this time."""
    async with _connected(url) as connection:
        await connection.execute(_EMPTY)
        await connection.execute("insert into rowbell_testing.clock values ($1)", at)


async def set_clock(database: Database, at: datetime) -> None:
    """Move the clock of a prepared database."""
    database.at = at
    async with database.pooled() as connection:
        await connection.execute("update rowbell_testing.clock set at = $1", at)


async def due_queues(database: Database) -> list[str]:
    """The queues with due tasks, those that wait longest first."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            "select queue from rowbell.waiting_queues($1) group by queue order by min(due_since)",
            database.at,
        )
    return [row[0] for row in rows]


async def next_run_at(database: Database, kinds: list[str]) -> datetime | None:
    """When the next waiting task of these kinds is due, or may run within its limits."""
    async with database.pooled() as connection:
        at: datetime | None = await connection.fetchval(_NEXT, kinds, database.at)
    return at


async def fetch(database: Database, query: str, *values: Any) -> list[Any]:
    """The rows of any query."""
    async with database.pooled() as connection:
        rows: list[Any] = await connection.fetch(query, *values)
    return rows


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Connection]:
    with translated():
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
        try:
            yield connection
        finally:
            await connection.close(timeout=CONNECT_SECONDS)
