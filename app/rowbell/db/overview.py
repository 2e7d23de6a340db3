"""Reads for people and for the API; nothing here changes a row."""

from rowbell.db import lists
from rowbell.db.pool import Database
from rowbell.db.sight import seeing
from rowbell.db.tasks import COLUMNS, as_task
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
    database: Database, wanted: Filter, *, limit: int, viewer: Viewer = ANYBODY
) -> list[Task]:
    """The newest; `rowbell.db.lists` has more to say of a list."""
    return (await lists.page(database, wanted, size=limit, viewer=viewer)).tasks


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
