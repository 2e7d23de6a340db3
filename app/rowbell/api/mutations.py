"""What can be changed: each field is one change, or a refusal."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from ariadne import MutationType

from rowbell.api import arguments
from rowbell.api.context import Info, RequestContext, context_of
from rowbell.api.subscriptions import no_such_task
from rowbell.api.waiting import outcome_of
from rowbell.db import bulk, inserts, overview, tasks
from rowbell.logs import log
from rowbell.task import Changes, Conflict, NewTask, Task

mutation = MutationType()

Values = dict[str, Any]


@mutation.field("createTask")
async def create_task(_: object, info: Info, *, input: Values) -> Task:
    (task,) = await _create(context_of(info), [arguments.new_task(input)])
    return task


@mutation.field("createTasks")
async def create_tasks(_: object, info: Info, *, inputs: list[Values]) -> list[Task]:
    return await _create(context_of(info), [arguments.new_task(each) for each in inputs])


@mutation.field("executeTask")
async def execute_task(_: object, info: Info, *, input: Values, wait_seconds: float) -> Task:
    context = context_of(info)
    seconds = arguments.wait_seconds(wait_seconds)
    context.allow(seconds)
    (task,) = await _create(context, [arguments.new_task(input)])
    return await outcome_of(
        task, context.watch, viewer=context.viewer, seconds=seconds, gone=context.gone()
    )


@mutation.field("cancelTask")
async def cancel_task(_: object, info: Info, *, id: str) -> Task:
    context = context_of(info)
    task = await tasks.cancel(context.database, arguments.existing(id), viewer=context.viewer)
    log.info("task.cancelled", task=task.id, status=str(task.status), by=_caller(context))
    return task


@mutation.field("retryTask")
async def retry_task(_: object, info: Info, *, id: str) -> Task:
    context = context_of(info)
    task = await tasks.retry(context.database, arguments.existing(id), viewer=context.viewer)
    log.info("task.retried", task=task.id, by=_caller(context))
    return task


@mutation.field("retryTasks")
async def retry_tasks(_: object, info: Info, **given: Any) -> Changes:
    context = context_of(info)
    done = await _change(context, bulk.retry_where, **given)
    if done.changed:
        log.info("tasks.retried", tasks=done.changed, by=_caller(context))
    return done


@mutation.field("cancelTasks")
async def cancel_tasks(_: object, info: Info, **given: Any) -> Changes:
    context = context_of(info)
    done = await _change(context, bulk.cancel_where, **given)
    if done.changed:
        log.info("tasks.cancelled", tasks=done.changed, by=_caller(context))
    return done


@mutation.field("pauseQueue")
async def pause_queue(_: object, info: Info, *, name: str) -> Values:
    context = context_of(info)
    await tasks.pause(context.database, arguments.queue_name(name), subject=context.subject)
    log.info("queue.paused", queue=name, by=_caller(context))
    return {"name": name}


@mutation.field("resumeQueue")
async def resume_queue(_: object, info: Info, *, name: str) -> Values:
    context = context_of(info)
    await tasks.resume(context.database, arguments.queue_name(name), subject=context.subject)
    log.info("queue.resumed", queue=name, by=_caller(context))
    return {"name": name}


async def _create(context: RequestContext, news: list[NewTask]) -> list[Task]:
    for kind in {new.kind for new in news}:
        await context.kinds.check(kind)
    await _check_parents(context, {parent for new in news for parent in new.after or ()})
    if traceparent := context.traceparent():
        news = [replace(new, traceparent=new.traceparent or traceparent) for new in news]
    created = await inserts.create_all(context.database, news, viewer=context.viewer)
    for task in created:
        _log_creation(task, context)
    return created


async def _check_parents(context: RequestContext, parents: set[int]) -> None:
    """Raises NotFound: what comes of a task that waits tells of those that it waits for."""
    if not parents or context.viewer.sees_everything:
        return
    visible = await overview.visible_ids(context.database, list(parents), viewer=context.viewer)
    for parent in sorted(parents - visible):
        raise no_such_task(parent, field="after")


def _log_creation(task: Task, context: RequestContext) -> None:
    if task.conflict is None:
        log.info("task.created", task=task.id, kind=task.kind, queue=task.queue, by=task.created_by)
    elif task.conflict is not Conflict.KEPT:
        log.info("task.replaced", task=task.id, conflict=str(task.conflict), by=_caller(context))


Change = Callable[..., Awaitable[Changes]]


async def _change(
    context: RequestContext, change: Change, *, filter: Values, limit: int, dry_run: bool
) -> Changes:
    return await change(
        context.database,
        arguments.selection(filter),
        most=arguments.bulk_size(limit),
        dry_run=dry_run,
        subject=context.subject,
    )


def _caller(context: RequestContext) -> str:
    return context.subject or "api"
