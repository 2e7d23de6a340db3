"""The fields of the stream of changes."""

from rowbell.api import arguments, cursors
from rowbell.api.changes import ChangesSource, Told
from rowbell.api.context import Info, context_of
from rowbell.api.resolvers import Values, subscription
from rowbell.journal import Entry
from rowbell.task import Task


@subscription.shared("taskChanges")
def watch_changes(
    _: object, info: Info, *, filter: Values | None = None, after: str | None = None
) -> ChangesSource:
    context = context_of(info)
    return ChangesSource(
        context.database,
        context.watch,
        arguments.wanted_changes(filter),
        None if after is None else cursors.decode_stream(after),
        context.viewer,
    )


@subscription.field("taskChanges")
def pass_on(told: Told, info: Info, **__: object) -> Values:
    if told.change is None:
        return {"cursor": told.cursor, "event": None}
    return {
        "cursor": told.cursor,
        "event": _event(told.change.entry, _seen(told.change.task, info)),
    }


def _seen(task: Task | None, info: Info) -> Task | None:
    """The task as it is now, unless it is no longer shared with the caller."""
    if task is None or not context_of(info).viewer.sees(task.created_by, task.audience):
        return None
    return task


def _event(entry: Entry, task: object) -> Values:
    return {
        "kind": entry.event,
        "at": entry.at,
        "task_id": str(entry.task_id),
        "task": task,
        "status": entry.status,
        "previous_status": entry.status_before,
        "attempt": entry.attempt,
        "by": entry.subject or entry.role,
        "detail": entry.detail,
    }
