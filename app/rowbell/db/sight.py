"""Reading tasks as a caller of the API may see them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rowbell.db.pool import Connection, Database
from rowbell.viewer import Viewer

_BECOME = """
select set_config('rowbell.subject', coalesce($1, ''), true),
       set_config('rowbell.audiences', $2::text[]::text, true),
       set_config('role', 'rowbell_viewer', true)
"""


@dataclass(frozen=True, slots=True)
class Sight:
    """Where to read tasks from, and on which connection."""

    connection: Connection
    tasks: str


@asynccontextmanager
async def seeing(database: Database, viewer: Viewer) -> AsyncIterator[Sight]:
    """Reads that find only what the viewer may see. Raises Unavailable.

    Whoever sees everything reads the table, in no transaction. The others read a view, in a role
    that may not read the table, so that PostgreSQL refuses a query that forgot them.
    """
    async with database.pooled() as connection:
        if viewer.sees_everything:
            yield Sight(connection, "rowbell.tasks")
            return
        async with connection.transaction(readonly=True):
            await connection.execute(_BECOME, viewer.subject, sorted(viewer.audiences))
            yield Sight(connection, "rowbell.visible_tasks")
