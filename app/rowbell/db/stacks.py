"""Where running handlers are: asked by NOTIFY, answered by their workers through a table."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rowbell.db.pool import Database

LOOK_SECONDS = 0.02
MOST_LOOK_SECONDS = 0.2

_ASK = """
select clock_timestamp(), pg_notify('rowbell_stacks', u.id::text) from unnest($1::bigint[]) u (id)
"""
_ANSWERS = """
select task_id, attempt, worker, at, stack, reason from rowbell.stacks
where task_id = any ($1) and at >= $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Where a handler was; `reason` says why there is no stack."""

    task_id: int
    attempt: int
    worker: int
    at: datetime
    stack: str | None
    reason: str | None


async def ask(database: Database, task_ids: list[int], *, seconds: float) -> dict[int, Stack]:
    """The answers that came in time. Raises Unavailable."""
    async with database.pooled() as connection:
        asked_at: datetime = await connection.fetchval(_ASK, task_ids)
    found: dict[int, Stack] = {}
    pause = LOOK_SECONDS
    until = asyncio.get_running_loop().time() + seconds
    while len(found) < len(set(task_ids)) and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, MOST_LOOK_SECONDS)
        async with database.pooled() as connection:
            rows: list[Mapping[str, Any]] = await connection.fetch(_ANSWERS, task_ids, asked_at)
        found = {row["task_id"]: Stack(**row) for row in rows}
    return found


async def tell(
    database: Database, *, task_id: int, attempt: int, worker: int, stack: str | None, reason: str
) -> None:
    """For workers: answer. Raises Unavailable."""
    async with database.pooled() as connection:
        await connection.execute(
            "select rowbell.tell_stack($1, $2::int, $3, $4, $5)",
            task_id,
            attempt,
            worker,
            stack,
            reason or None,
        )
