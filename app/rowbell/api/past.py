"""The fields of a task that tell what became of it, and what may become of it."""

from datetime import UTC, datetime
from typing import Any

from ariadne import ObjectType

from rowbell.api.context import Info, context_of
from rowbell.api.resolvers import Values, as_error, instant, task_type
from rowbell.api.timeline import told
from rowbell.db import past, roster
from rowbell.db.past import PastAttempt, Position
from rowbell.db.roster import WorkerLine
from rowbell.task import Status, Task

bulk_type = ObjectType("BulkResult")


@task_type.field("attempts")
async def attempts_of(task: Task, info: Info) -> list[Values]:
    kept = await _attempts(task, info)
    told = [_attempt(task, each, info) for each in kept]
    if task.attempt and all(each.number != task.attempt for each in kept):
        told.append(_attempt(task, _last(task), info))
    return told


@task_type.field("lines")
async def lines_of(task: Task, info: Info) -> list[Values]:
    return [line for each in await _attempts(task, info) for line in _lines(each)]


@task_type.field("timeline")
async def timeline_of(task: Task, info: Info) -> list[Values]:
    context = context_of(info)
    if not context.viewer.sees_everything:
        return []  # it names roles and applications
    return told(await past.moments(context.database, task.id), task)


@task_type.field("position")
async def position_of(task: Task, info: Info) -> int | None:
    found = await _position(task, info)
    return None if found is None else found.ahead


@task_type.field("expectedStartSeconds")
async def expected_start_of(task: Task, info: Info) -> float | None:
    found = await _position(task, info)
    return None if found is None else found.seconds


@task_type.field("can")
def can_of(task: Task, info: Info) -> Values:
    changes = context_of(info).viewer.changes(task.created_by)
    return {
        "cancel": changes and not task.status.is_final,
        "retry": changes and task.status in (Status.FAILED, Status.CANCELLED),
    }


@task_type.field("worker")
async def worker_of(task: Task, info: Info) -> WorkerLine | None:
    context = context_of(info)
    if task.worker is None or not context.viewer.sees_everything:
        return None
    found = await roster.workers(context.database, ended=True, worker=task.worker)
    return found[0] if found else None


@bulk_type.field("undoIds")
def undo_ids_of(done: Any, _: Info) -> list[str]:
    return [str(each) for each in done.undo]


async def _attempts(task: Task, info: Info) -> list[PastAttempt]:
    context = context_of(info)
    return await past.attempts(context.database, task.id, viewer=context.viewer)


async def _position(task: Task, info: Info) -> Position | None:
    """Its number says how busy others are: no more than a queue at a counter does."""
    if task.status is not Status.PENDING:
        return None
    return await past.position(context_of(info).database, task.id)


def _last(task: Task) -> PastAttempt:
    """The last attempt, which is kept in the task itself where nothing else is to say."""
    runs = task.status is Status.PROCESSING
    return PastAttempt(
        number=task.attempt,
        outcome=None if runs else str(task.status) if task.status.is_final else "RELEASED",
        started_at=task.started_at,
        ended_at=task.finished_at,
        error=None,
        lines=[],
        worker=task.worker,
    )


def _attempt(task: Task, each: PastAttempt, info: Info) -> Values:
    sees = context_of(info).viewer.sees_everything
    error = each.error or {}
    return {
        "number": each.number,
        "outcome": each.outcome,
        "started_at": each.started_at,
        "ended_at": each.ended_at,
        "seconds": _seconds(each),
        "error": as_error(error, each.ended_at or task.created_at) if error else None,
        "traceback": error.get("traceback") or None if sees else None,
        "lines": _lines(each),
        "worker_id": None if each.worker is None else str(each.worker),
    }


def _seconds(each: PastAttempt) -> float | None:
    if each.started_at is None or (each.outcome and each.ended_at is None):
        return None
    return max(0.0, ((each.ended_at or datetime.now(UTC)) - each.started_at).total_seconds())


def _lines(each: PastAttempt) -> list[Values]:
    return [
        {
            "at": instant(line.get("at")) or each.ended_at or each.started_at,
            "attempt": each.number,
            "text": str(line.get("text", "")),
            "fields": {k: v for k, v in line.items() if k not in ("at", "text")} or None,
        }
        for line in each.lines
    ]
