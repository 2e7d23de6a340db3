"""What the tests of sql/ do again and again: insert, register, claim, listen."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import asyncpg
import orjson

NOON = datetime(2020, 1, 1, 12, 0, tzinfo=UTC)
"""The `at` of most tests, long past: no test waits for a clock."""

_marks = itertools.count()


async def insert(connection: asyncpg.Connection, *, count: int = 1, **columns: Any) -> list[int]:
    """Insert rows with these columns (kind aaa, due at NOON unless given); returns their ids."""
    columns = {"kind": "aaa", "run_at": NOON, **columns}
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    rows = await connection.fetch(
        f"insert into rowbell.tasks ({', '.join(columns)})"
        f" select {places} from generate_series(1, {count}) returning id",
        *columns.values(),
    )
    return [row[0] for row in rows]


async def register(
    connection: asyncpg.Connection,
    *kinds: str,
    at: datetime = NOON,
    lease: float = 30,
    max_attempts: int = 5,
    queues: tuple[str, ...] = ("*",),
) -> int:
    """Register a worker that knows these kinds (aaa unless given); returns its id."""
    known = [
        {"name": kind, "description": "", "max_attempts": max_attempts, "timeout": None}
        for kind in kinds or ("aaa",)
    ]
    worker: int = await connection.fetchval(
        "select rowbell.register_worker('host', 1, '0', $1, 10, $2, $3::text::jsonb, $4)",
        list(queues),
        lease,
        orjson.dumps(known).decode(),
        at,
    )
    return worker


async def claim(
    connection: asyncpg.Connection,
    worker: int,
    slots: int = 10,
    *,
    kinds: tuple[str, ...] = ("aaa",),
    queue: str = "default",
    at: datetime = NOON,
) -> list[asyncpg.Record]:
    claims: list[asyncpg.Record] = await connection.fetch(
        "select * from rowbell.claim($1, $2, $3::int, $4, $5)", queue, worker, slots, kinds, at
    )
    return claims


async def running(connection: asyncpg.Connection, **columns: Any) -> tuple[int, int, int]:
    """A task in its first attempt: (id, attempt, worker)."""
    worker = await register(connection)
    await insert(connection, **columns)
    (row,) = await claim(connection, worker, 1)
    return row["id"], row["attempt"], worker


async def row(connection: asyncpg.Connection, task_id: int) -> asyncpg.Record:
    found = await connection.fetchrow("select * from rowbell.tasks where id = $1", task_id)
    assert found is not None
    return found


async def is_waiting(observer: asyncpg.Connection, connection: asyncpg.Connection) -> None:
    """Until the statement of `connection` waits for a lock of another session."""
    while not await observer.fetchval(
        "select cardinality(pg_blocking_pids($1)) > 0", connection.get_server_pid()
    ):
        await asyncio.sleep(0)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


class Ear:
    """Listens; `heard` tells what was notified since it was asked last."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._heard: list[tuple[str, str]] = []
        self._mark = asyncio.Event()
        self._expected = ""

    @classmethod
    async def open(cls, url: str, *channels: str) -> Self:
        ear = cls(await asyncpg.connect(url))
        for channel in (*channels, "mark"):
            await ear._connection.add_listener(channel, ear._hear)
        return ear

    async def heard(self) -> list[tuple[str, str]]:
        """Notifications arrive in the order of commits, so after the mark there is none left."""
        self._expected = str(next(_marks))
        self._mark.clear()
        await self._connection.execute("select pg_notify('mark', $1)", self._expected)
        await self._mark.wait()
        heard, self._heard = self._heard, []
        return heard

    async def close(self) -> None:
        await self._connection.close()

    def _hear(self, _: object, __: int, channel: str, payload: object) -> None:
        if channel != "mark":
            self._heard.append((channel, str(payload)))
        elif payload == self._expected:
            self._mark.set()
