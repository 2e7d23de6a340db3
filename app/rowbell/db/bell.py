"""How bells are rung: the triggers, the queue of notifications, and who holds it back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rowbell.db.pool import Connection, Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    name: str
    table: str
    in_force: bool
    remedy: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds back VACUUM, or the queue of notifications. `behind`: transactions."""

    pid: int | None
    application: str
    role: str | None
    state: str
    seconds: float
    behind: int | None
    query: str | None
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BellRings:
    """The part of the bell that the database knows."""

    at: datetime
    problem: str | None
    triggers: list[Trigger]
    queue_usage: float
    holders: list[Holder]


async def bell(database: Database) -> BellRings:
    """Raises Unavailable."""
    async with database.pooled() as connection:
        state = await connection.fetchrow(
            "select now() as at, rowbell.bell_problem() as problem,"
            " pg_notification_queue_usage() as queue_usage"
        )
        triggers = await connection.fetch(
            'select name, on_table as "table", is_in_force as in_force, remedy'
            " from rowbell.bell_triggers()"
        )
        found = await holders(connection, only_listening=True)
    return BellRings(**state, triggers=[Trigger(**row) for row in triggers], holders=found)


async def holders(connection: Connection, *, only_listening: bool = False) -> list[Holder]:
    """The oldest first, at most 10."""
    rows: list[Any] = await connection.fetch(
        "select pid, application, role, coalesce(state, 'unknown') as state, behind, query, remedy,"
        " greatest(0, coalesce(extract(epoch from clock_timestamp() - since), 0))::float8"
        " as seconds from rowbell.snapshot_holders() where is_listening or not $1",
        only_listening,
    )
    return [Holder(**row) for row in rows]
