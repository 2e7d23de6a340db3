"""The fields of the schema that are about recurring tasks."""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from ariadne import ObjectType

from rowbell.api.context import Info, context_of
from rowbell.api.mutations import mutation
from rowbell.api.periods import check_period
from rowbell.api.resolvers import query, subscription
from rowbell.db import overview, schedules
from rowbell.db.pool import Database
from rowbell.db.schedules import Line
from rowbell.errors import InvalidArgument, NotFound
from rowbell.logs import log
from rowbell.schedule import Schedule
from rowbell.task import Task

schedule_type = ObjectType("Schedule")

MOST_RUNS = 20

Values = dict[str, Any]


@query.field("schedules")
async def read_schedules(_: object, info: Info) -> list[Values]:
    return await _read(context_of(info).database)


@subscription.source("schedules")
def watch_schedules(
    _: object, info: Info, *, every: timedelta
) -> AsyncGenerator[list[Values], None]:
    context = context_of(info)
    read = partial(_read, context.database)
    return context.readings.watched("schedules", read, check_period(every))


@subscription.field("schedules")
def pass_on(found: object, _: Info, **__: object) -> object:
    return found


@mutation.field("pauseSchedule")
async def pause_schedule(_: object, info: Info, *, name: str) -> Values:
    context = context_of(info)
    await schedules.pause(context.database, name, subject=context.subject)
    log.info("schedule.changed", schedule=name, change="paused", by=context.subject or "api")
    return await _one(info, name)


@mutation.field("resumeSchedule")
async def resume_schedule(_: object, info: Info, *, name: str) -> Values:
    context = context_of(info)
    await schedules.resume(context.database, name, subject=context.subject)
    log.info("schedule.changed", schedule=name, change="resumed", by=context.subject or "api")
    return await _one(info, name)


@mutation.field("runSchedule")
async def run_schedule(_: object, info: Info, *, name: str) -> Task:
    context = context_of(info)
    task = await schedules.run_now(context.database, name, subject=context.subject)
    log.info("task.created", task=task.id, kind=task.kind, by=context.subject or "api")
    return task


@schedule_type.field("state")
def state_of(schedule: Values, _: Info) -> str:
    return str(schedule["state"]).upper()


@schedule_type.field("missed")
def missed_of(schedule: Values, _: Info) -> str:
    return str(schedule["missed"]).upper()


@schedule_type.field("nextRuns")
def next_runs_of(schedule: Values, _: Info, *, first: int) -> list[datetime]:
    if not 1 <= first <= MOST_RUNS:
        raise InvalidArgument(f"first is {first}.", hint=f"Use 1 to {MOST_RUNS}.", field="first")
    return list(islice(_runs(schedule["line"]), first))


@schedule_type.field("explanation")
def explanation_of(schedule: Values, _: Info) -> list[str]:
    return _sentences(schedule["line"])


def _runs(line: Line) -> Iterator[datetime]:
    """Its next runs; none while it is paused, or cannot be read."""
    if line.next_run_at is None or line.state == "paused":
        return
    yield line.next_run_at
    try:
        planned = Schedule.read(
            every=line.every,
            cron=line.cron,
            time_zone=None if line.cron is None else line.time_zone,
            missed=None,
        )
    except ValueError:
        return
    if planned:
        yield from planned.runs(line.next_run_at, starts_at=line.starts_at)


_STANDINGS = {
    "paused": "It is paused, by {paused_by}: select rowbell.resume_schedule('{name}');",
    "unreadable": "It has no next run: {problem}",
    "undeclared": "No live worker has had it in its code for a day: it does not run.",
    "new": "No worker has looked at it yet.",
    "overdue": "It should have run: no worker is there to tick. Start `rowbell worker`.",
    "active": "Its next run is at {next_run_local:%Y-%m-%d %H:%M} {time_zone}.",
}


def _sentences(line: Line) -> list[str]:
    sentences = [_STANDINGS[line.state].format(**asdict(line))]
    if line.last_status == "FAILED":
        sentences.append(f"Its last task, {line.last_task}, is FAILED: {line.last_error}")
    elif line.last_status:
        sentences.append(f"Its last task, {line.last_task}, is {line.last_status}.")
    return sentences


async def _one(info: Info, name: str) -> Values:
    found = await _read(context_of(info).database, name)
    if not found:  # dropped meanwhile
        raise NotFound(f"there is no schedule {name}.")
    return found[0]


async def _read(database: Database, name: str | None = None) -> list[Values]:
    """All, or the one of this name; their last tasks are one read. Raises Unavailable."""
    lines = await schedules.lines(database, name)
    ids = [line.last_task for line in lines if line.last_task is not None]
    tasks = await overview.tasks_by_id(database, ids) if ids else {}
    return [
        {
            "name": line.name,
            "kind": line.kind,
            "state": line.state,
            "cron": line.cron,
            "every": line.every,
            "time_zone": line.time_zone,
            "missed": line.missed,
            "next_run_at": line.next_run_at,
            "last_run_at": line.last_run_at,
            "last_task": tasks.get(line.last_task or 0),
            "problem": line.problem,
            "description": line.description,
            "next_run_local": line.next_run_local and f"{line.next_run_local:%Y-%m-%d %H:%M}",
            "queue": line.queue,
            "payload": line.payload,
            "source": line.source,
            "paused_by": line.paused_by,
            "created_by": line.created_by,
            "line": line,
        }
        for line in lines
    ]
