"""The journal of one task, in the words of its timeline."""

from datetime import datetime, timedelta
from typing import Any

from rowbell.db.past import Moment
from rowbell.journal import Event
from rowbell.task import Task

RINGS_WITHIN = timedelta(minutes=1)
"""A bell announces what is due within so long; a dispatcher knows the time of the rest."""

_WAITING = {Event.CREATED, Event.REOPENED, Event.RETRY_SCHEDULED, Event.RELEASED, Event.LOST}

Values = dict[str, Any]


def told(moments: list[Moment], task: Task) -> list[Values]:
    """One entry a moment; where it began to wait, whether a bell was rung for it."""
    following = _started_after(moments)
    entries = []
    waits_since: Moment | None = None
    for moment, start in zip(moments, following, strict=True):
        waits = moment.event in _WAITING
        due_at = _due_at(start, task)
        found_by = _found_by(moment, waits_since) if moment.event is Event.STARTED else None
        entries.append(
            {
                "at": moment.at,
                "kind": moment.event,
                "sentence": _sentence(moment, found_by),
                "status": moment.status,
                "attempt": moment.attempt,
                "wait_seconds": _rounded(moment.wait_seconds),
                "run_seconds": _rounded(moment.run_seconds),
                "found_by": found_by,
                "rang": waits and due_at - moment.at <= RINGS_WITHIN,
                "role": moment.role,
                "application": moment.application,
                "subject": moment.subject,
                "worker_id": None if moment.worker is None else str(moment.worker),
                "detail": moment.detail,
            }
        )
        waits_since = moment if waits else waits_since
    return entries


def _started_after(moments: list[Moment]) -> list[Moment | None]:
    """For each moment the next STARTED one: that one knows when the task was due."""
    found: list[Moment | None] = []
    start: Moment | None = None
    for moment in reversed(moments):
        found.append(start)
        start = moment if moment.event is Event.STARTED else start
    return found[::-1]


def _due_at(start: Moment | None, task: Task) -> datetime:
    if start is not None and start.wait_seconds is not None:
        return start.at - timedelta(seconds=start.wait_seconds)
    return task.run_at


def _found_by(start: Moment, waits_since: Moment | None) -> str:
    if (start.detail or {}).get("found_by") == "sweep":
        return "SWEEP"
    if waits_since is None or start.wait_seconds is None:
        return "BELL"
    due_at = start.at - timedelta(seconds=start.wait_seconds)
    return "CLOCK" if due_at - waits_since.at > RINGS_WITHIN else "BELL"


_HOW = {
    "BELL": "the bell was answered",
    "CLOCK": "its time had come",
    "SWEEP": "found by a sweep, no bell had announced it",
}


_SENTENCES = {
    Event.CREATED: "inserted by {by}",
    Event.STARTED: "claimed by worker {worker}, {waited} after it was due: {how}",
    Event.UPDATED: "changed by {by}{changes}",
    Event.COMPLETED: "completed{ran}",
    Event.FAILED: "failed for good{ran}{error}",
    Event.RETRY_SCHEDULED: "attempt {attempt} failed{ran}{error}",
    Event.RELEASED: "attempt {attempt} was ended without a verdict{ran}",
    Event.LOST: "attempt {attempt} was lost with worker {worker}{ran}",
    Event.CANCEL_REQUESTED: "its handler was asked to stop, by {by}",
    Event.CANCELLED: "cancelled{ran} by {by}",
    Event.REOPENED: "sent back to PENDING by {by}",
    Event.DELETED: "deleted by {by}",
}


def _sentence(moment: Moment, found_by: str | None) -> str:
    detail = moment.detail or {}
    who = moment.subject or moment.role
    return _SENTENCES[moment.event].format(
        by=f"{who} ({moment.application})" if moment.application else who,
        worker=moment.worker,
        waited=_in_words(moment.wait_seconds or 0),
        how=_HOW.get(found_by or "", ""),
        ran="" if moment.run_seconds is None else f" after {_in_words(moment.run_seconds)}",
        attempt=moment.attempt,
        error=f": {detail['error_type']}" if detail.get("error_type") else "",
        changes=_changes(detail),
    )


def _changes(detail: Values) -> str:
    if "progress" in detail and "changed" not in detail:
        return f": progress {detail['progress']:.0%}"
    return f": {', '.join(detail.get('changed', []))}" if detail.get("changed") else ""


def _in_words(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 120 else f"{seconds / 60:.3g} min"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
