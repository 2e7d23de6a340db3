"""One function for each SQL function of rowbell.schedules."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from rowbell.db.pool import Database
from rowbell.db.tasks import COLUMNS, as_json, as_subject, as_task
from rowbell.handlers import Handler
from rowbell.schedule import Missed, Schedule
from rowbell.task import Task

_LONGEST_DESCRIPTION = 1_000
_LINE = """
  name, kind, state, cron, every, time_zone, missed, next_run_at, last_run_at, last_task,
  last_status, last_error, problem, queue, description, source, paused_by, created_by
"""
_PAYLOAD = "(select s.payload::text from rowbell.schedules s where s.name = o.name) as payload"
_STARTS = "(select s.starts_at from rowbell.schedules s where s.name = o.name) as starts_at"
_PLAIN = (
    "name", "kind", "description", "queue", "priority", "max_attempts", "timeout", "unique_key",
    "cron", "every", "time_zone", "missed", "starts_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Planned:
    """A schedule as a worker sees it, at the instant of the server at which it asked."""

    name: str
    cron: str | None
    every: timedelta | None
    time_zone: str
    missed: Missed
    starts_at: datetime
    changed_at: datetime
    next_run_at: datetime | None
    asked_at: datetime

    def schedule(self) -> Schedule:
        """Raises ValueError if this process cannot read it."""
        read = Schedule.read(
            every=self.every,
            cron=self.cron,
            time_zone=None if self.cron is None else self.time_zone,
            missed=self.missed,
        )
        if read is None:
            raise ValueError("it has neither cron nor every.")
        return read


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSchedule:
    """What an INSERT may give; None leaves the column to its default."""

    name: str
    kind: str
    payload: Any = None
    description: str | None = None
    queue: str | None = None
    priority: int | None = None
    max_attempts: int | None = None
    timeout: timedelta | None = None
    unique_key: str | None = None
    cron: str | None = None
    every: timedelta | None = None
    time_zone: str | None = None
    missed: Missed | None = None
    starts_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of `rowbell.schedule_overview`."""

    name: str
    kind: str
    state: str
    cron: str | None
    every: timedelta | None
    time_zone: str
    missed: str
    next_run_at: datetime | None
    last_run_at: datetime | None
    last_task: int | None
    last_status: str | None
    last_error: str | None
    problem: str | None
    queue: str
    description: str | None
    source: str
    paused_by: str | None
    created_by: str
    next_run_local: datetime | None
    """What the clocks of its time zone show then; without a zone."""
    starts_at: datetime
    payload: Any


# ---------------------------------------------------------------- for workers


async def declare(database: Database, handlers: Iterable[Handler]) -> list[str]:
    """Register what code declares; returns the names that people keep, so that they stay."""
    declared = [
        {
            "name": handler.kind,
            "description": handler.description[:_LONGEST_DESCRIPTION] or None,
            "cron": handler.schedule.cron,
            "every": handler.schedule.every and handler.schedule.every.total_seconds(),
            "time_zone": handler.schedule.time_zone,
            "missed": handler.schedule.missed,
        }
        for handler in handlers
        if handler.schedule
    ]
    async with database.pooled() as connection:
        rows = await connection.fetch(
            "select rowbell.declare_schedules($1::text::jsonb)", orjson.dumps(declared).decode()
        )
    return [row[0] for row in rows]


async def keep_declared(database: Database, names: list[str]) -> None:
    async with database.pooled() as connection:
        await connection.execute("select rowbell.keep_declared($1)", names)


async def undeclared(database: Database) -> list[str]:
    """Schedules of the code that no live worker has had for a day."""
    async with database.pooled() as connection:
        rows = await connection.fetch("select rowbell.undeclared_schedules()")
    return [row[0] for row in rows]


async def due(database: Database) -> list[Planned]:
    """Schedules that are due or not planned yet, and the next one that lies ahead."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            "select name, cron, every, time_zone, missed, starts_at, changed_at, next_run_at,"
            " asked_at from rowbell.due_schedules()"
        )
    return [Planned(*row) for row in rows]


async def plan(
    database: Database, planned: Planned, run_at: datetime | None, problem: str | None = None
) -> bool:
    """Write the first run, or why there is none. False: another worker did, or it was changed."""
    async with database.pooled() as connection:
        return bool(
            await connection.fetchval(
                "select rowbell.plan_schedule($1, $2, $3, $4)",
                planned.name,
                planned.changed_at,
                run_at,
                problem,
            )
        )


async def tick(
    database: Database,
    planned: Planned,
    runs: list[datetime],
    following: datetime | None,
    problem: str | None = None,
) -> list[int] | None:
    """Enqueue these runs and move on; returns the tasks. None: another worker was first."""
    async with database.pooled() as connection:
        tasks: list[int] | None = await connection.fetchval(
            "select rowbell.tick_schedule($1, $2, $3, $4, $5, $6)",
            planned.name,
            planned.changed_at,
            planned.next_run_at,
            runs,
            following,
            problem,
        )
    return tasks


# ---------------------------------------------------------------- for people


async def add(database: Database, new: NewSchedule) -> None:
    """Raises InvalidArgument, UniqueKeyConflict (the name is taken), Forbidden, Unavailable."""
    given = {name: getattr(new, name) for name in _PLAIN if getattr(new, name) is not None}
    places = [f"${number}" for number in range(1, len(given) + 1)]
    if new.payload is not None:
        given["payload"] = as_json(new.payload, field="payload")
        places.append(f"${len(given)}::text::jsonb")
    async with database.pooled() as connection:
        await connection.execute(
            f"insert into rowbell.schedules ({', '.join(given)}) values ({', '.join(places)})",  # noqa: S608
            *given.values(),
        )


async def pause(database: Database, name: str, *, subject: str | None = None) -> None:
    """Raises NotFound, Forbidden, Unavailable."""
    await as_subject(database, subject, "select rowbell.pause_schedule($1)", name)


async def resume(database: Database, name: str, *, subject: str | None = None) -> None:
    """Raises NotFound, Forbidden, Unavailable."""
    await as_subject(database, subject, "select rowbell.resume_schedule($1)", name)


async def run_now(database: Database, name: str, *, subject: str | None = None) -> Task:
    """Raises NotFound, InvalidState, Forbidden, Unavailable."""
    query = f"select {COLUMNS} from rowbell.run_schedule_now($1) t"  # noqa: S608
    return as_task(await as_subject(database, subject, query, name))


async def drop(database: Database, name: str) -> None:
    """Raises NotFound, Forbidden, Unavailable."""
    async with database.pooled() as connection:
        await connection.execute("select rowbell.drop_schedule($1)", name)


async def lines(database: Database, name: str | None = None) -> list[Line]:
    """All schedules, or the one of this name, by name."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            f"select {_LINE}, next_run_local, {_STARTS}, {_PAYLOAD}"  # noqa: S608
            " from rowbell.schedule_overview o where $1::text is null or name = $1 order by name",
            name,
        )
    return [Line(**{**row, "payload": orjson.loads(row["payload"])}) for row in rows]


async def planned(database: Database, name: str) -> Planned | None:
    """One schedule, whether it is due or not; None: there is no such schedule."""
    async with database.pooled() as connection:
        row = await connection.fetchrow(
            "select name, cron, every, time_zone, missed, starts_at, changed_at, next_run_at,"
            " now() from rowbell.schedules where name = $1",
            name,
        )
    return None if row is None else Planned(*row)
