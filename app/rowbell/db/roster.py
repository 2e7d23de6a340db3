"""The workers and what each of them runs, as operators see them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from rowbell.db.pool import Database

MOST_RUNNING = 5_000
"""Running tasks that are read for all workers together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A task that a worker runs. `seconds`: since its claim."""

    task_id: int
    worker: int
    kind: str
    queue: str
    description: str | None
    attempt: int
    started_at: datetime
    seconds: float
    progress: float | None
    cancel_requested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLine:
    """One worker. `tally`: what its process had counted at its last beat."""

    id: int
    host: str
    pid: int
    version: str
    state: str
    queues: list[str]
    kinds: list[str]
    slots: int
    busy: int
    started_at: datetime
    last_seen_at: datetime
    silent_seconds: float
    lease_seconds: float
    ended_at: datetime | None
    tally: dict[str, Any] | None
    on_duty_for: list[str]
    running: list[Running]


_WORKERS = """
select w.id, w.host, w.process as pid, w.version, o.state, w.queues, w.kinds, w.slots, w.busy,
  w.started_at, w.beat_at as last_seen_at,
  greatest(0, extract(epoch from clock_timestamp() - w.beat_at))::float8 as silent_seconds,
  extract(epoch from w.lease)::float8 as lease_seconds, o.ended_at, w.tally::text,
  case when o.state = 'running' and (w.tally ->> 'is_on_duty')::boolean then w.queues else '{}' end
    as on_duty_for
from rowbell.workers w join rowbell.worker_overview o on o.id = w.id
where ($1 or o.ended_at is null) and ($2::bigint is null or w.id = $2)
order by o.ended_at is not null, o.ended_at desc, w.id
"""
_RUNNING = """
select t.id as task_id, t.worker, t.kind, t.queue, t.description, t.attempt, t.started_at,
  greatest(0, extract(epoch from clock_timestamp() - t.started_at))::float8 as seconds,
  t.progress, t.cancel_requested_at is not null as cancel_requested
from rowbell.tasks t
where t.status = 'PROCESSING' and t.worker is not null
  and ($1::bigint is null or t.worker = $1)
order by t.started_at limit $2
"""


async def workers(
    database: Database, *, ended: bool = False, worker: int | None = None
) -> list[WorkerLine]:
    """The living, and with `ended` those that ended within a day. Raises Unavailable."""
    async with database.pooled() as connection:
        lines = await connection.fetch(_WORKERS, ended, worker)
        rows = await connection.fetch(_RUNNING, worker, MOST_RUNNING)
    running: dict[int, list[Running]] = {}
    for row in rows:
        running.setdefault(row["worker"], []).append(Running(**row))
    return [_as_line(line, running.get(line["id"], [])) for line in lines]


def _as_line(row: Mapping[str, Any], running: list[Running]) -> WorkerLine:
    tally = None if row["tally"] is None else orjson.loads(row["tally"])
    return WorkerLine(**{**row, "tally": tally}, running=running)
