"""What needs somebody: rowbell.attention, one value a row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from rowbell.db.pool import Connection, Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """One thing that needs somebody."""

    id: str
    severity: str
    topic: str
    sentence: str
    remedy: str | None
    remedy_kind: str | None
    view: str
    filter: dict[str, Any] | None
    since: datetime | None


_COLUMNS = "id, severity, topic, sentence, remedy, remedy_kind, view, filter::text, since"


async def attention(database: Database) -> list[Attention]:
    """The worst first. Raises Unavailable."""
    async with database.pooled() as connection:
        return await _read(connection, "attention")


async def database_problems(connection: Connection) -> list[Attention]:
    """What is wrong with the database itself."""
    return await _read(connection, "attention_database")


async def _read(connection: Connection, function: str) -> list[Attention]:
    rows = await connection.fetch(f"select {_COLUMNS} from rowbell.{function}()")  # noqa: S608
    return [
        Attention(**{**row, "filter": row["filter"] and orjson.loads(row["filter"])})
        for row in rows
    ]
