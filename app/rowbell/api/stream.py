"""The fields of the stream of changes."""

from collections.abc import AsyncGenerator

from rowbell.api import arguments, cursors
from rowbell.api.changes import Told
from rowbell.api.context import Info, context_of
from rowbell.api.resolvers import Values, subscription
from rowbell.journal import Entry


@subscription.source("taskChanges")
def watch_changes(
    _: object, info: Info, *, filter: Values | None = None, after: str | None = None
) -> AsyncGenerator[Told, None]:
    context = context_of(info)
    return context.watch.changes(
        arguments.wanted(filter),
        after=None if after is None else cursors.decode_stream(after),
        subject=context.subject,
    )


@subscription.field("taskChanges")
def pass_on(told: Told, _: Info, **__: object) -> Values:
    if told.change is None:
        return {"cursor": told.cursor, "event": None}
    return {"cursor": told.cursor, "event": _event(told.change.entry, told.change.task)}


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
