"""One function for each SQL function of workers and sweeps."""

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from rowbell import __version__
from rowbell.db.pool import Database
from rowbell.handlers import Handlers

STRAY_SECONDS = 2.0
"""A server that lost its client may still finish the claim; after this long it has."""


@dataclass(frozen=True, slots=True)
class Rescue:
    """What a sweep took from a dead worker."""

    worker: int
    host: str | None
    process: int | None
    tasks: int
    poisoned: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A kind that has due tasks in a queue, and for how many seconds the oldest waits.

    Negative: the first is due in so many seconds, within a minute. No kind: the queue has tasks
    whose parents nobody has looked at.
    """

    queue: str
    kind: str | None
    seconds: float
    is_limited: bool
    """A limit may hold them back: that they wait proves nothing."""


async def register(
    database: Database,
    *,
    queues: tuple[str, ...],
    slots: int,
    lease_seconds: float,
    handlers: Handlers,
) -> int:
    """Register this process as a worker, and its kinds; returns the worker's id."""
    kinds = [
        {
            "name": handler.kind,
            "description": handler.description,
            "max_attempts": handler.max_attempts,
            "timeout": handler.timeout,
            "max_running": handler.max_running,
            "max_running_per_key": handler.max_running_per_key,
            "rate": handler.rate and handler.rate.per_second,
            "burst": handler.rate and handler.rate.burst,
            "on_failed": handler.on_failed,
            "on_failed_payload": handler.on_failed_payload,
            "module": handler.function.__module__,
        }
        for handler in handlers
    ]
    async with database.kept() as connection:
        worker: int = await connection.fetchval(
            "select rowbell.register_worker($1, $2, $3, $4, $5::int, $6, $7::text::jsonb)",
            socket.gethostname(),
            os.getpid(),
            __version__,
            list(queues),
            slots,
            lease_seconds,
            orjson.dumps(kinds).decode(),
        )
    return worker


async def heartbeat(
    database: Database, worker: int, *, busy: int, draining: bool, counted: str | None = None
) -> bool:
    """`counted`: the tally of the process, as JSON.

    False: the worker was silent too long, and its tasks were given to others.
    """
    async with database.kept() as connection:
        return bool(
            await connection.fetchval(
                "select rowbell.heartbeat($1, $2::int, $3, $4::text::jsonb)",
                worker,
                busy,
                draining,
                counted,
            )
        )


async def tell_clock(database: Database, worker: int) -> None:
    """Let the server keep how far the clock of this machine is from its own."""
    async with database.pooled() as connection:
        await connection.execute("select rowbell.tell_clock($1, $2)", worker, datetime.now(UTC))


async def sign_off(database: Database, worker: int) -> None:
    async with database.kept() as connection:
        await connection.execute("select rowbell.sign_off($1)", worker)


async def rescue(database: Database) -> list[Rescue]:
    """Mark silent workers lost, and make what dead workers held PENDING again."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            "select worker, host, process, tasks, poisoned from rowbell.rescue()"
        )
    return [Rescue(*row) for row in rows]


async def outlook(database: Database, worker: int) -> tuple[float | None, int]:
    """Seconds until the first lease ends if its worker beats no more (None: nobody works), and how
    many live workers there are with the queues and kinds of this one."""
    async with database.pooled() as connection:
        row = await connection.fetchrow(
            "select extract(epoch from min(w.beat_at + w.lease) - clock_timestamp())::float8,"
            " count(*) filter (where w.queues = me.queues and w.kinds = me.kinds)"
            " from rowbell.workers w left join rowbell.workers me on me.id = $1"
            " where w.lost_at is null and w.stopped_at is null",
            worker,
        )
    return row[0], row[1]


async def prune(database: Database, *, older_than_days: float, most: int) -> int:
    """Delete up to `most` finished tasks of that age; returns how many."""
    async with database.pooled() as connection:
        deleted: int = await connection.fetchval(
            "select rowbell.prune($1 * interval '1 day', $2::int)", older_than_days, most
        )
    return deleted


async def waiting_queues(database: Database) -> list[Waiting]:
    """The (queue, kind) pairs that have due tasks, or will have some within a minute."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            "select queue, kind, extract(epoch from clock_timestamp() - due_since)::float8,"
            " is_limited"
            " from rowbell.waiting_queues(now() + interval '1 minute')"
        )
    return [Waiting(*row) for row in rows]


async def cancel_requests(database: Database, worker: int) -> list[int]:
    """Ids of the tasks of a worker whose cancel was asked for."""
    async with database.pooled() as connection:
        rows = await connection.fetch("select rowbell.cancel_requests($1)", worker)
    return [row[0] for row in rows]


async def live_kinds(database: Database) -> set[str]:
    """The kinds that some live worker knows."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            "select distinct unnest(kinds) from rowbell.workers"
            " where stopped_at is null and lost_at is null"
        )
    return {row[0] for row in rows}


async def next_run_in(database: Database, queue: str, kinds: list[str]) -> float | None:
    """Seconds until it is worth looking at a queue again; None: nothing waits in it."""
    async with database.kept() as connection:
        seconds: float | None = await connection.fetchval(
            "select rowbell.next_run_in($1, $2)", queue, kinds
        )
    return seconds


async def meet_missed(database: Database) -> int:
    """Let tasks run whose parents ended by other means; returns how many parents that were."""
    async with database.pooled() as connection:
        missed: int = await connection.fetchval("select rowbell.meet_missed()")
    return missed


async def bell_problem(database: Database) -> str | None:
    """None while the bell triggers are in force; else what is wrong, with the SQL to mend it."""
    async with database.pooled() as connection:
        problem: str | None = await connection.fetchval("select rowbell.bell_problem()")
    return problem


async def release_strays(database: Database, worker: int, held: list[int]) -> list[int]:
    """Give back what was claimed for this worker but never arrived; returns the ids."""
    async with database.kept() as connection:
        rows = await connection.fetch(
            "select rowbell.release_strays($1, $2, $3 * interval '1 second')",
            worker,
            held,
            STRAY_SECONDS,
        )
    return [row[0] for row in rows]
