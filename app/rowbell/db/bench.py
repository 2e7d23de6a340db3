"""Rows for `rowbell bench`, written over a connection of its own, as an application has it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

from rowbell.db import tasks, workers
from rowbell.db.pool import CONNECT_SECONDS, Connection, Database
from rowbell.db.refusals import translated
from rowbell.handlers import Handlers

BATCH = 1_000
PATIENCE_SECONDS = 300.0
"""VACUUM and CHECKPOINT of a large table take their time."""


class Bench:
    """What a bench does to the table from outside."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str) -> AsyncIterator["Bench"]:
        """Raises Unavailable."""
        with translated():
            connection = await asyncpg.connect(
                url,
                timeout=CONNECT_SECONDS,
                command_timeout=PATIENCE_SECONDS,
                server_settings={"application_name": "rowbell bench"},
            )
            try:
                yield cls(connection)
            finally:
                await connection.close(timeout=CONNECT_SECONDS)

    async def insert(self, kind: str, queue: str, payload: str) -> None:
        """One row, committed."""
        await self._connection.execute(
            "insert into rowbell.tasks (kind, queue, payload) values ($1, $2, $3::text::jsonb)",
            kind,
            queue,
            payload,
        )

    async def fill(self, kind: str, queue: str, rows: int) -> None:
        """So many rows in one statement."""
        await self._connection.execute(
            "insert into rowbell.tasks (kind, queue)"
            " select $1, $2 from generate_series(1, $3::int)",
            kind,
            queue,
            rows,
        )

    async def insert_numbered(self, kind: str, queue: str, first: int, rows: int) -> None:
        """So many rows in one statement, each with its number as payload."""
        await self._connection.execute(
            "insert into rowbell.tasks (kind, queue, payload)"
            " select $1, $2, jsonb_build_object('number', n)"
            " from generate_series($3::int, $3::int + $4::int - 1) n",
            kind,
            queue,
            first,
            rows,
        )

    async def copy(self, kind: str, queue: str, rows: int) -> None:
        """So many rows by COPY."""
        await self._connection.copy_records_to_table(
            "tasks",
            schema_name="rowbell",
            columns=["kind", "queue"],
            records=[(kind, queue)] * rows,
        )

    async def ring(self, queue: str) -> None:
        """What the trigger does, where it is switched off."""
        await self._connection.execute("select pg_notify('rowbell_bell', $1)", queue)

    @asynccontextmanager
    async def without(self, *triggers: str) -> AsyncIterator[None]:
        """Switch triggers of rowbell.tasks off, and on again as they are in sql/triggers."""
        for trigger in triggers:
            await self._connection.execute(f"alter table rowbell.tasks disable trigger {trigger}")
        try:
            yield
        finally:
            for trigger in triggers:
                await self._connection.execute(
                    f"alter table rowbell.tasks enable always trigger {trigger}"
                )

    @asynccontextmanager
    async def paused(self, queue: str) -> AsyncIterator[None]:
        """Nobody claims from a queue meanwhile; `clean` removes what this leaves."""
        await self._connection.execute("select rowbell.pause($1)", queue)
        try:
            yield
        finally:
            await self._connection.execute("select rowbell.resume($1)", queue)

    @asynccontextmanager
    async def snapshot_held(self) -> AsyncIterator[None]:
        """What a report or a backup does to everybody else: VACUUM can remove nothing."""
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            await self._connection.fetchval("select count(*) from rowbell.queues")
            yield

    async def rings(self) -> Callable[[], int]:
        """Listen to the bell from now on; the function returned tells how often it was heard."""
        heard: list[object] = []
        await self._connection.add_listener("rowbell_bell", lambda *_: heard.append(_[-1]))
        return lambda: len(heard)

    async def has_other_tasks(self) -> bool:
        """Whether somebody beside a bench has tasks here."""
        found: bool = await self._connection.fetchval(
            "select exists (select from rowbell.tasks where queue not like 'bench\\_%')"
        )
        return found

    async def usage(self) -> tuple[int, int | None]:
        """Transactions of this database so far, and calls of rowbell.claim, if they are counted."""
        await self._connection.execute("select pg_stat_clear_snapshot()")
        transactions: int = await self._connection.fetchval(
            "select xact_commit + xact_rollback from pg_stat_database"
            " where datname = current_database()"
        )
        claims: int | None = await self._connection.fetchval(
            "select sum(calls)::bigint from pg_stat_user_functions"
            " where schemaname = 'rowbell' and funcname = 'claim'"
        )
        return transactions, claims

    async def can_count_calls(self) -> bool:
        """Whether this role may switch track_functions on."""
        may: bool = await self._connection.fetchval(
            "select rolsuper from pg_roles where rolname = current_user"
        )
        return may

    async def connections_left(self) -> int:
        left: int = await self._connection.fetchval(
            "select current_setting('max_connections')::int - count(*)::int - 5"
            " from pg_stat_activity where backend_type = 'client backend'"
        )
        return left

    @property
    def process(self) -> int:
        """The server process of this connection: a child of the postmaster."""
        pid: int = self._connection.get_server_pid()
        return pid

    async def settle(self) -> None:
        """Bring the table and the disk to rest, so that no earlier work is paid for later."""
        await self._connection.execute("vacuum (analyze) rowbell.tasks")
        try:
            await self._connection.execute("checkpoint")
        except asyncpg.InsufficientPrivilegeError:
            return  # not ours to ask for on this server; the first seconds may be slower

    async def first_waiting(self, queue: str, kind: str) -> int | None:
        """The id of the first PENDING row, by one probe of an index; None: none is left."""
        first: int | None = await self._connection.fetchval(
            "select id from rowbell.tasks where queue = $1 and kind = $2 and status = 'PENDING'"
            " order by queue, kind, priority, run_at, id limit 1",
            queue,
            kind,
        )
        return first

    async def has_running(self, queue: str) -> bool:
        return bool(
            await self._connection.fetchval(
                "select exists (select from rowbell.tasks"
                " where status = 'PROCESSING' and worker is not null and queue = $1)",
                queue,
            )
        )

    async def workers_of(self, queue: str) -> list[str]:
        """The live workers that serve a queue, as host:process."""
        rows = await self._connection.fetch(
            "select host || ':' || process from rowbell.workers"
            " where stopped_at is null and lost_at is null and beat_at + lease > now()"
            " and queues && array['*', $1::text] order by id",
            queue,
        )
        return [row[0] for row in rows]

    async def clean(self, queue: str, kinds: list[str]) -> None:
        """Delete the rows of a queue, what was set for it, and the kinds that only a bench has."""
        await self._connection.execute("delete from rowbell.tasks where queue = $1", queue)
        await self._connection.execute("delete from rowbell.queues where name = $1", queue)
        await self._connection.execute("delete from rowbell.kinds where name = any ($1)", kinds)
        await self._connection.execute("vacuum rowbell.tasks")


async def drain_bare(database: Database, handlers: Handlers, queue: str) -> int:
    """Claim and complete all due rows of a queue without a handler; returns how many.

    What is left is what PostgreSQL takes: no dispatcher, no attempt, no log.
    """
    worker = await workers.register(
        database, queues=(queue,), slots=BATCH, lease_seconds=3_600, handlers=handlers
    )
    drained = 0
    try:
        while claims := await tasks.claim(database, queue, worker, BATCH, handlers.kinds):
            ids, attempts = [c.id for c in claims], [c.attempt for c in claims]
            await tasks.complete(database, ids, attempts, [None] * len(ids))
            drained += len(ids)
    finally:
        await workers.sign_off(database, worker)
    return drained
