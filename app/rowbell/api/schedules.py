"""The fields of the schema that are about recurring tasks."""

from typing import Any

from ariadne import ObjectType

from rowbell.api.context import Info, context_of
from rowbell.api.mutations import mutation
from rowbell.api.resolvers import query
from rowbell.db import overview, schedules
from rowbell.db.schedules import Line
from rowbell.errors import NotFound
from rowbell.logs import log
from rowbell.task import Task

schedule_type = ObjectType("Schedule")

Values = dict[str, Any]


@query.field("schedules")
async def read_schedules(_: object, info: Info) -> list[Values]:
    return await _with_tasks(info, await schedules.lines(context_of(info).database))


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


async def _one(info: Info, name: str) -> Values:
    found = await _with_tasks(info, await schedules.lines(context_of(info).database, name))
    if not found:  # dropped meanwhile
        raise NotFound(f"there is no schedule {name}.")
    return found[0]


async def _with_tasks(info: Info, lines: list[Line]) -> list[Values]:
    """Their last tasks, all in one read."""
    ids = [line.last_task for line in lines if line.last_task is not None]
    tasks = await overview.tasks_by_id(context_of(info).database, ids) if ids else {}
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
        }
        for line in lines
    ]
