"""Pages of the list of tasks, whatever it is filtered by: rowbell.find_tasks does the finding."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from rowbell.db import journal
from rowbell.db.pool import Database
from rowbell.db.sight import Sight, seeing
from rowbell.db.tasks import COLUMNS, as_task
from rowbell.errors import NotFound
from rowbell.journal import Cursor
from rowbell.task import Filter, Task
from rowbell.viewer import ANYBODY, Viewer

MOST_COUNTED = 10_000

_WANTED = "jsonb_populate_record(null::rowbell.task_filter, $1::text::jsonb)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list was left: behind a task, which need not be there any more."""

    at: datetime
    """When that task was inserted; finished, in a list by the time of finishing."""
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page."""

    tasks: list[Task]
    has_more: bool
    searched_all: bool
    """False: fewer than asked for, because the rest was not looked at; go on from `reached`."""
    reached: Place | None
    """The last task that was looked at. None: there was none."""
    cursor: Cursor | None = None
    """Of the changes that the page does not show, if that was asked for."""


async def page(
    database: Database,
    wanted: Filter,
    *,
    size: int,
    after: Place | None = None,
    with_cursor: bool = False,
    viewer: Viewer = ANYBODY,
) -> Listing:
    """Newest first. Raises InvalidArgument, Unavailable."""
    if not with_cursor:
        async with seeing(database, viewer) as sight:
            return await _page(sight, wanted, size, after, None)
    if not viewer.sees_everything:  # its role may not read the journal, so the cursor comes first
        cursor = await journal.now(database)
        async with seeing(database, viewer) as sight:
            return await _page(sight, wanted, size, after, cursor)
    async with _one_moment(database) as sight:
        cursor = await journal.now_within(sight.connection)
        return await _page(sight, wanted, size, after, cursor)


async def count(
    database: Database, wanted: Filter, *, viewer: Viewer = ANYBODY
) -> tuple[int, bool]:
    """How many match, MOST_COUNTED at the most, and whether that is all of them."""
    async with seeing(database, viewer) as sight:
        query = (
            "select cardinality(f.task_ids), f.searched_all and not f.has_more"  # noqa: S608
            f" from {_function(sight)}({_WANTED}, most => $2, ordered => false) f"
        )
        row = await sight.connection.fetchrow(query, _as_json(wanted), MOST_COUNTED)
    return row[0], row[1]


async def place_of(database: Database, task_id: int, *, by_finish: bool = False) -> Place:
    """Where the list goes on behind this task. Raises NotFound, Unavailable.

    Behind one that was deleted, where it would be; in the order of finishing, that is not known.
    """
    column, which = ("finished_at", "id = $1") if by_finish else ("created_at", "id <= $1")
    async with database.pooled() as connection:
        row = await connection.fetchrow(
            f"select {column}, id from rowbell.tasks"  # noqa: S608
            f" where {which} order by id desc limit 1",
            task_id,
        )
    if row is None and not by_finish:
        return Place(datetime.min.replace(tzinfo=UTC), 0)
    if row is None or (by_finish and row[0] is None):
        raise NotFound(
            f"there is no finished task {task_id} to go on from.",
            hint="Finished tasks are deleted after the retention: begin with the first page.",
        )
    # Of a neighbour, the place before it: it belongs to the page itself.
    return Place(row[0], row[1] + (row[1] != task_id))


async def _page(
    sight: Sight, wanted: Filter, size: int, after: Place | None, cursor: Cursor | None
) -> Listing:
    query = f"""
      select f.has_more, f.searched_all, f.reached_at, f.reached_id, {COLUMNS}
      from {_function(sight)}({_WANTED}, $2, $3, $4) f
      left join lateral unnest(f.task_ids) with ordinality u (id, place) on true
      left join lateral (select h.* from {sight.tasks} h where h.id = u.id limit 1) t on true
      order by u.place
    """  # noqa: S608
    rows = await sight.connection.fetch(
        query, _as_json(wanted), after and after.at, after and after.id, size
    )
    has_more, searched_all, at, task_id = rows[0][:4]
    return Listing(
        tasks=[as_task(row) for row in rows if row["id"] is not None],
        has_more=has_more,
        searched_all=searched_all,
        reached=None if task_id is None else Place(at, task_id),
        cursor=cursor,
    )


@asynccontextmanager
async def _one_moment(database: Database) -> AsyncIterator[Sight]:
    """Reads that see the same, for whoever sees everything."""
    async with (
        database.pooled() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield Sight(connection, "rowbell.tasks")


def _function(sight: Sight) -> str:
    sees_everything = sight.tasks == "rowbell.tasks"
    return "rowbell.find_tasks" if sees_everything else "rowbell.find_visible_tasks"


def _as_json(wanted: Filter) -> str:
    given: dict[str, Any] = {
        "kinds": wanted.kind,
        "queues": wanted.queue,
        "statuses": wanted.status,
        "ids": wanted.ids,
        "created_by": wanted.created_by,
        "error_types": wanted.error_type,
        "created_after": wanted.created_after,
        "created_before": wanted.created_before,
        "finished_after": wanted.finished_after,
        "finished_before": wanted.finished_before,
        "text": wanted.text,
    }
    return orjson.dumps(given).decode()
