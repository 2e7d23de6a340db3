"""What can be read and watched: each field asks the database one thing."""

from datetime import datetime
from typing import Any

from ariadne import ObjectType, QueryType

from rowbell.api import arguments, cursors
from rowbell.api.context import Info, RequestContext, context_of
from rowbell.api.selections import asks_for
from rowbell.api.sources import AddedSource, Subscriptions, TaskSource
from rowbell.db import lists, overview
from rowbell.db.lists import Place
from rowbell.db.queues import QueueLine
from rowbell.task import NAME, Filter, Task

TASKS = "tasks"
FINISHED = "tasks_finished"
"""Names of the list in its cursors: by the time of insertion, or of finishing."""

query = QueryType()
subscription = Subscriptions()
task_type = ObjectType("Task")
queue_type = ObjectType("Queue")

TYPES = [query, subscription, task_type, queue_type]

Values = dict[str, Any]


@query.field("viewer")
def read_viewer(_: object, info: Info) -> Values:
    viewer = context_of(info).viewer
    return {
        "subject": viewer.subject,
        "role": viewer.role,
        "audiences": sorted(viewer.audiences),
    }


@query.field("task")
async def read_task(_: object, info: Info, *, id: str) -> Task | None:
    context = context_of(info)
    number = arguments.task_id(id)
    if number is None:
        return None
    if context.viewer.sees_everything:
        return await context.reads.task(number)
    return await overview.task(context.database, number, viewer=context.viewer)


@query.field("tasks")
async def read_tasks(
    _: object,
    info: Info,
    *,
    filter: Values | None = None,
    first: int | None = None,
    after: str | None = None,
) -> Values:
    context = context_of(info)
    wanted = arguments.wanted(filter)
    name = FINISHED if wanted.is_by_finish else TASKS
    found = await lists.page(
        context.database,
        wanted,
        size=arguments.page_size(first),
        after=None if after is None else cursors.decode(name, after),
        viewer=context.viewer,
        with_cursor=asks_for(info, "streamCursor"),
    )
    places = [Place(_time_of(task, name), task.id) for task in found.tasks]
    ends = [found.reached] if found.reached and not found.searched_all else places[-1:]
    edges = [
        {"cursor": cursors.encode(name, place), "node": task}
        for place, task in zip(places, found.tasks, strict=True)
    ]
    counted = await _count(context, info, wanted)
    return {
        "nodes": found.tasks,
        "edges": edges,
        "total_count": counted[0],
        "total_count_exact": counted[1],
        "searched_all": found.searched_all,
        "stream_cursor": found.cursor and cursors.encode_stream(found.cursor),
        "page_info": {
            "has_next_page": found.has_more or not found.searched_all,
            "has_previous_page": after is not None,
            "start_cursor": edges[0]["cursor"] if edges else None,
            "end_cursor": cursors.encode(name, ends[0]) if ends else None,
        },
    }


async def _count(context: RequestContext, info: Info, wanted: Filter) -> tuple[int, bool]:
    """Only if it is asked for."""
    if not (asks_for(info, "totalCount") or asks_for(info, "totalCountExact")):
        return 0, False
    return await lists.count(context.database, wanted, viewer=context.viewer)


def _time_of(task: Task, name: str) -> datetime:
    return task.finished_at or task.created_at if name == FINISHED else task.created_at


@query.field("queue")
def read_queue(_: object, __: Info, *, name: str) -> Values | None:
    return {"name": name} if NAME.fullmatch(name) else None


@subscription.shared("task")
def watch_task(
    _: object,
    info: Info,
    *,
    id: str,
) -> TaskSource:
    context = context_of(info)
    return TaskSource(context.watch, arguments.existing(id), context.viewer)


@subscription.shared("taskAdded")
def watch_added(_: object, info: Info) -> AddedSource:
    context = context_of(info)
    return AddedSource(context.watch, context.viewer)


@subscription.field("task")
@subscription.field("taskAdded")
def pass_on(task: Task, _: Info, **__: object) -> Task:
    return task


@task_type.field("queue")
def queue_of(task: Task, _: Info) -> Values:
    return {"name": task.queue}


@task_type.field("after")
def parents_of(task: Task, _: Info) -> list[str]:
    return [str(parent) for parent in task.after]


@task_type.field("explanation")
async def explanation_of(task: Task, info: Info) -> list[str]:
    context = context_of(info)
    if not context.viewer.sees_everything:
        return []  # it names workers, and tasks of others
    return await overview.explain(context.database, task.id)


@task_type.field("progress")
def progress_of(task: Task, _: Info) -> float | None:
    # Kept as real: without rounding, 0.3 would be shown as 0.30000001192092896.
    return None if task.progress is None else round(task.progress, 6)


@task_type.field("error")
def error_of(task: Task, _: Info) -> Values | None:
    if task.error is None:
        return None
    # Written by workers, but the column takes any JSON: nothing may be missing here.
    error: Values = task.error if isinstance(task.error, dict) else {"message": str(task.error)}
    return as_error(error, task.finished_at or task.started_at or task.created_at)


def as_error(error: Values, at: datetime) -> Values:
    """A TaskError. `at`: if it does not say itself when it was raised."""
    return {
        "code": str(error.get("type") or "ERROR"),
        "message": str(error.get("message") or ""),
        "retryable": bool(error.get("retryable", True)),
        "at": instant(error.get("at")) or at,
        "fingerprint": error.get("fingerprint"),
    }


@queue_type.field("paused")
async def is_paused(queue: Values | QueueLine, info: Info) -> bool:
    if isinstance(queue, QueueLine):
        return queue.paused_at is not None
    return await context_of(info).is_paused(queue["name"])


def instant(text: object) -> datetime | None:
    """None if it is none, or has no time zone."""
    try:
        instant = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return instant if instant.tzinfo else None
