"""The journal: what is new since a cursor, exactly; and its upkeep."""

from collections.abc import Mapping
from typing import Any

import orjson

from rowbell.db.pool import Connection, Database
from rowbell.journal import Cursor, Entry, Event, Page, Scope
from rowbell.task import Status

FOLD = 50_000
"""Events that one fold counts."""

_NOW = "select place, snapshot::text from rowbell.journal_now()"
_READ = """
select snapshot::text, id, at, task_id, worker, event::text, status_before::text, status::text,
  attempt, wait_seconds, run_seconds, kind, queue, role, application, subject, created_by,
  coalesce(audience, '{}') as audience, detail::text
from rowbell.read_journal($1::text::pg_snapshot, $2::text::pg_snapshot, $3, $4::int, $5, $6, $7, $8)
"""


async def now(database: Database) -> Cursor:
    """The cursor that has seen everything so far. Raises Unavailable."""
    async with database.pooled() as connection:
        return await now_within(connection)


async def now_within(connection: Connection) -> Cursor:
    """As `now`; in a REPEATABLE READ transaction it fits to what else that reads."""
    return Cursor(*await connection.fetchrow(_NOW))


async def read(
    database: Database, since: Cursor, *, most: int, within: Scope | None = None
) -> Page:
    """Up to `most` entries that the cursor has not seen; `within`: of these alone, None is all.

    Raises CursorExpired, Unavailable.
    """
    bounds = (within.tasks, within.queues, within.kinds) if within else (None, None, None)
    async with database.pooled() as connection:
        rows = await connection.fetch(
            _READ, since.snapshot, since.upto, since.above, most + 1, since.place, *bounds
        )
    snapshot: str = rows[0]["snapshot"]  # there is always a row; an empty one if nothing is new
    entries = [_as_entry(row) for row in rows[:most] if row["id"] is not None]
    if len(rows) > most:
        cut = Cursor(since.place, since.snapshot, snapshot, entries[-1].id)
        return Page(entries, cut, snapshot, since, is_last=False)
    seen = Cursor(since.place, snapshot)
    return Page(entries, seen, snapshot, since, is_last=since.upto is None)


async def fold(database: Database) -> int:
    """Count what is new, and index it by task; returns how many events. Raises Unavailable."""
    folded = 0
    while True:
        async with database.pooled() as connection:
            counted: int = await connection.fetchval("select rowbell.fold_journal($1)", FOLD)
        folded += counted
        if counted < FOLD:
            break
    async with database.pooled() as connection:
        await connection.execute("select rowbell.summarize_journal()")
    return folded


async def keep(database: Database, *, days: float) -> int:
    """Make partitions ahead, drop those beyond the retention; returns how many were dropped."""
    async with database.pooled() as connection:
        await connection.execute("select rowbell.adopt_journal()")
        await connection.execute("select rowbell.make_journal_partitions()")
        dropped: int = await connection.fetchval(
            "select rowbell.drop_journal($1 * interval '1 day')", days
        )
    return dropped


def _as_entry(row: Mapping[str, Any]) -> Entry:
    values = dict(row)
    del values["snapshot"]
    values["event"] = Event(values["event"])
    for name in ("status_before", "status"):
        values[name] = None if values[name] is None else Status(values[name])
    values["detail"] = None if values["detail"] is None else orjson.loads(values["detail"])
    return Entry(**values)
