"""What became of one task: its attempts, and what the journal tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from rowbell.db.pool import Database
from rowbell.db.sight import seeing
from rowbell.journal import Event
from rowbell.task import Status
from rowbell.viewer import Viewer

MOST_ATTEMPTS = 100
MOST_ENTRIES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAttempt:
    """One try at a task; `outcome` None: it runs. `error`: as in tasks.error."""

    number: int
    outcome: str | None
    started_at: datetime | None
    ended_at: datetime | None
    error: dict[str, Any] | None
    lines: list[dict[str, Any]]
    worker: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One entry of the journal about a task."""

    id: int
    at: datetime
    event: Event
    status: Status | None
    attempt: int
    worker: int | None
    wait_seconds: float | None
    run_seconds: float | None
    role: str
    application: str
    subject: str | None
    detail: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Position:
    """`seconds`: until it starts, at the present rate; None: nothing tells."""

    ahead: int
    is_capped: bool
    seconds: float | None


_VISIBLE = "select exists (select from {tasks} t where t.id = $1)"
_ATTEMPTS = """
select a.attempt as number, a.outcome, a.started_at, a.ended_at, a.error::text, a.lines::text,
  a.worker
from rowbell.attempts a where a.task_id = $1 order by a.attempt desc limit $2
"""
_MOMENTS = """
select j.id, j.at, j.event::text, j.status::text, j.attempt, j.worker, j.wait_seconds,
  j.run_seconds, j.role, j.application, j.subject, j.detail::text
from rowbell.task_journal($1, $2::int) j
"""


async def attempts(database: Database, task_id: int, *, viewer: Viewer) -> list[PastAttempt]:
    """Those that were kept, oldest first; none of a task that the viewer does not see."""
    if not viewer.sees_everything:
        async with seeing(database, viewer) as sight:
            query = _VISIBLE.format(tasks=sight.tasks)
            if not await sight.connection.fetchval(query, task_id):
                return []
    async with database.pooled() as connection:
        rows = await connection.fetch(_ATTEMPTS, task_id, MOST_ATTEMPTS)
    return [_as_attempt(row) for row in reversed(rows)]


async def moments(database: Database, task_id: int) -> list[Moment]:
    """What the journal has of a task, oldest first. Raises Unavailable."""
    async with database.pooled() as connection:
        rows = await connection.fetch(_MOMENTS, task_id, MOST_ENTRIES)
    return [_as_moment(row) for row in rows]


async def position(database: Database, task_id: int) -> Position | None:
    """None: it does not wait, or nobody could run it. Raises Unavailable."""
    async with database.pooled() as connection:
        row = await connection.fetchrow(
            "select ahead, is_capped, expected_seconds from rowbell.queue_position($1)", task_id
        )
    return None if row is None else Position(*row)


def _as_attempt(row: Mapping[str, Any]) -> PastAttempt:
    error = None if row["error"] is None else orjson.loads(row["error"])
    lines = orjson.loads(row["lines"])
    return PastAttempt(**{**row, "error": error, "lines": lines})


def _as_moment(row: Mapping[str, Any]) -> Moment:
    return Moment(
        **{
            **row,
            "event": Event(row["event"]),
            "status": row["status"] and Status(row["status"]),
            "detail": row["detail"] and orjson.loads(row["detail"]),
        }
    )
