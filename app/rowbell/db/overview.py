"""Reads for people and for the API; nothing here changes a row."""

from typing import Any

from rowbell.db import journal
from rowbell.db.pool import Database
from rowbell.db.sight import Sight, seeing
from rowbell.db.tasks import COLUMNS, as_task
from rowbell.journal import Cursor
from rowbell.task import Filter, Task
from rowbell.viewer import ANYBODY, Viewer


async def task(database: Database, task_id: int, *, viewer: Viewer = ANYBODY) -> Task | None:
    """None if there is no such task, or the viewer may not see it."""
    async with seeing(database, viewer) as sight:
        row = await sight.connection.fetchrow(
            f"select {COLUMNS} from {sight.tasks} t where t.id = $1",  # noqa: S608
            task_id,
        )
    return None if row is None else as_task(row)


async def tasks(
    database: Database,
    wanted: Filter,
    *,
    limit: int,
    before: int | None = None,
    viewer: Viewer = ANYBODY,
) -> list[Task]:
    """Newest first. `before`: the id of the last task of the page before; None: the first page."""
    async with seeing(database, viewer) as sight:
        return await _tasks(sight, wanted, limit, before, viewer)


async def tasks_and_cursor(
    database: Database,
    wanted: Filter,
    *,
    limit: int,
    before: int | None,
    with_cursor: bool,
    viewer: Viewer = ANYBODY,
) -> tuple[list[Task], Cursor | None]:
    """As `tasks`, with the cursor of the changes that it does not show, if that is asked for."""
    if not with_cursor:
        return await tasks(database, wanted, limit=limit, before=before, viewer=viewer), None
    if not viewer.sees_everything:  # its role may not read the journal, so the cursor comes first
        cursor = await journal.now(database)
        return await tasks(database, wanted, limit=limit, before=before, viewer=viewer), cursor
    async with (
        database.pooled() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        cursor = await journal.now_within(connection)
        sight = Sight(connection, "rowbell.tasks")
        return await _tasks(sight, wanted, limit, before, viewer), cursor


async def _tasks(
    sight: Sight, wanted: Filter, limit: int, before: int | None, viewer: Viewer
) -> list[Task]:
    conditions, values = _conditions(wanted)
    if not viewer.sees_everything and not viewer.audiences:
        values.append(viewer.subject)  # nothing is shared: its own come in the order of an index
        conditions.append(f"t.created_by = ${len(values)}")
    if before is not None:
        values.append(before)
        conditions.append(f"t.id < ${len(values)}")
    values.append(limit)
    where = f"where {' and '.join(conditions)}" if conditions else ""
    rows = await sight.connection.fetch(
        f"select {COLUMNS} from {sight.tasks} t {where} order by t.id desc limit ${len(values)}",  # noqa: S608
        *values,
    )
    return [as_task(row) for row in rows]


async def visible_ids(database: Database, ids: list[int], *, viewer: Viewer) -> set[int]:
    """Those of these tasks that exist and that the viewer may see."""
    async with seeing(database, viewer) as sight:
        rows = await sight.connection.fetch(
            f"select t.id from {sight.tasks} t where t.id = any ($1)",  # noqa: S608
            ids,
        )
    return {row[0] for row in rows}


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
