"""One function for each SQL function of rowbell.alerts."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from rowbell.db.pool import Database


@dataclass(frozen=True, slots=True)
class Alert:
    """Something to be told, or that it is over."""

    condition: str
    is_firing: bool
    since: datetime
    tasks: int = 0
    """dead_tasks: how many, since it was told last."""
    detail: dict[str, Any] = field(default_factory=dict)


async def look(
    database: Database, *, dead_tasks: int, backlog_seconds: float, every: timedelta
) -> list[Alert]:
    """What is to be told now, by this process, within a minute. Raises Unavailable."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            "select condition, is_firing, since, tasks, detail::text as detail"
            " from rowbell.look_for_alerts($1::int, $2::interval, $3::interval)",
            dead_tasks,
            timedelta(seconds=backlog_seconds),
            every,
        )
    return [Alert(**{**row, "detail": orjson.loads(row["detail"])}) for row in rows]


async def told(database: Database, alert: Alert) -> None:
    """It has arrived. Raises Unavailable."""
    async with database.pooled() as connection:
        await connection.execute(
            "select rowbell.told_alert($1, $2, $3)", alert.condition, alert.is_firing, alert.tasks
        )
