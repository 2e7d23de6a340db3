"""The fields of workers, of what they run, and of the stacks of that."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from functools import partial

from ariadne import ObjectType

from rowbell.api import arguments
from rowbell.api.bell import state_of_worker
from rowbell.api.context import Info, context_of
from rowbell.api.periods import check_period
from rowbell.api.resolvers import Values, query, subscription
from rowbell.api.stacks import NO_ANSWER
from rowbell.db import roster
from rowbell.db.roster import Running, WorkerLine

worker_type = ObjectType("Worker")
running_type = ObjectType("RunningTask")

MOST_RUNNING = 200
"""Of one worker."""


@query.field("workers")
async def read_workers(_: object, info: Info, *, ended: bool) -> list[WorkerLine]:
    return await roster.workers(context_of(info).database, ended=ended)


@subscription.source("workers")
def watch_workers(
    _: object, info: Info, *, ended: bool, every: timedelta
) -> AsyncGenerator[list[WorkerLine], None]:
    context = context_of(info)
    read = partial(roster.workers, context.database, ended=ended)
    return context.readings.watched(("workers", ended), read, check_period(every))


@subscription.field("workers")
def pass_on(found: object, _: Info, **__: object) -> object:
    return found


@query.field("stack")
async def read_stack(_: object, info: Info, *, task: str) -> Values:
    number = arguments.existing(task)
    found = await context_of(info).stacks.of(number)
    if found is None:
        return {"task_id": task, "reason": NO_ANSWER}
    return {
        "task_id": task,
        "attempt": found.attempt,
        "at": found.at,
        "stack": found.stack,
        "reason": found.reason,
    }


@worker_type.field("state")
def state_of(worker: WorkerLine, _: Info) -> str:
    return worker.state.upper()


@worker_type.field("draining")
def is_draining(worker: WorkerLine, _: Info) -> bool:
    return worker.state == "draining"


@worker_type.field("bell")
def bell_of(worker: WorkerLine, _: Info) -> Values | None:
    return state_of_worker(worker)


@worker_type.field("running")
def running_of(worker: WorkerLine, _: Info) -> list[Running]:
    return worker.running[:MOST_RUNNING]


@running_type.field("progress")
def progress_of(task: Running, _: Info) -> float | None:
    return None if task.progress is None else round(task.progress, 6)


@running_type.field("stack")
async def stack_of(task: Running, info: Info) -> str:
    found = await context_of(info).stacks.of(task.task_id)
    return NO_ANSWER if found is None else found.stack or found.reason or ""
