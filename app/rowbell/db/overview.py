"""Reads for people and for the API; nothing here changes a row."""

from typing import Any

from rowbell.db import journal
from rowbell.db.pool import Connection, Database
from rowbell.db.tasks import COLUMNS, as_task
from rowbell.journal import Cursor
from rowbell.task import Filter, Task


async def task(database: Database, task_id: int) -> Task | None:
    async with database.pooled() as connection:
        row = await connection.fetchrow(
            f"select {COLUMNS} from rowbell.tasks t where t.id = $1",  # noqa: S608
            task_id,
        )
    return None if row is None else as_task(row)


async def tasks(
    database: Database, wanted: Filter, *, limit: int, before: int | None = None
) -> list[Task]:
    """Newest first. `before`: the id of the last task of the page before; None: the first page."""
    async with database.pooled() as connection:
        return await _tasks(connection, wanted, limit, before)


async def tasks_and_cursor(
    database: Database, wanted: Filter, *, limit: int, before: int | None, with_cursor: bool
) -> tuple[list[Task], Cursor | None]:
    """As `tasks`, with the cursor of the changes that it does not show, if that is asked for."""
    if not with_cursor:
        return await tasks(database, wanted, limit=limit, before=before), None
    async with (
        database.pooled() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        cursor = await journal.now_within(connection)
        return await _tasks(connection, wanted, limit, before), cursor


async def _tasks(
    connection: Connection, wanted: Filter, limit: int, before: int | None
) -> list[Task]:
    conditions, values = _conditions(wanted)
    if before is not None:
        values.append(before)
        conditions.append(f"t.id < ${len(values)}")
    values.append(limit)
    where = f"where {' and '.join(conditions)}" if conditions else ""
    rows = await connection.fetch(
        f"select {COLUMNS} from rowbell.tasks t {where} order by t.id desc limit ${len(values)}",  # noqa: S608
        *values,
    )
    return [as_task(row) for row in rows]


async def tasks_by_id(database: Database, ids: list[int]) -> dict[int, Task]:
    """The tasks that exist, by id."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            f"select {COLUMNS} from rowbell.tasks t where t.id = any ($1)",  # noqa: S608
            ids,
        )
    return {row["id"]: as_task(row) for row in rows}


async def oldest(database: Database, *, most: int) -> list[Task]:
    """At most so many tasks, oldest first."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            f"select {COLUMNS} from rowbell.tasks t order by t.id limit $1",  # noqa: S608
            most,
        )
    return [as_task(row) for row in rows]


async def paused_queues(database: Database) -> frozenset[str]:
    async with database.pooled() as connection:
        rows = await connection.fetch("select name from rowbell.queues where paused_at is not null")
    return frozenset(row[0] for row in rows)


async def known_kinds(database: Database) -> list[str]:
    """Kinds that a worker has ever registered."""
    async with database.pooled() as connection:
        rows = await connection.fetch("select name from rowbell.kinds order by name")
    return [row[0] for row in rows]


async def server_version(database: Database) -> str:
    """For example `PostgreSQL 18.1`."""
    async with database.pooled() as connection:
        version: str = await connection.fetchval("show server_version")
    return f"PostgreSQL {version.partition(' ')[0]}"


async def is_alive(database: Database) -> bool:
    """True if PostgreSQL answers. Raises Unavailable."""
    async with database.pooled() as connection:
        return bool(await connection.fetchval("select true"))


async def explain(database: Database, task_id: int) -> list[str]:
    """Why a task is not running, or what it does instead, in sentences. Raises NotFound."""
    async with database.pooled() as connection:
        rows = await connection.fetch("select reason from rowbell.explain($1)", task_id)
    return [row[0] for row in rows]


def _conditions(wanted: Filter) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for column, cast, among in (
        ("status", "::text[]::rowbell.task_status[]", wanted.status),
        ("kind", "::text[]", wanted.kind),
        ("queue", "::text[]", wanted.queue),
        ("id", "::bigint[]", wanted.ids),
    ):
        if among is not None:
            values.append(among)
            conditions.append(f"t.{column} = any (${len(values)}{cast})")
    return conditions, values
