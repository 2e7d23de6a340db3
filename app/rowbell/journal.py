"""What the journal tells: one entry an event, and cursors that say what somebody has seen of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from rowbell.task import Filter, Status


class Event(StrEnum):
    """What happened to a task."""

    CREATED = "CREATED"
    STARTED = "STARTED"
    UPDATED = "UPDATED"
    CANCEL_REQUESTED = "CANCEL_REQUESTED"
    RETRY_SCHEDULED = "RETRY_SCHEDULED"
    RELEASED = "RELEASED"
    LOST = "LOST"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    REOPENED = "REOPENED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of `rowbell.journal`."""

    id: int
    at: datetime
    task_id: int
    worker: int | None
    event: Event
    status_before: Status | None
    """None: the task was not there."""
    status: Status | None
    """None: it is not there any more."""
    attempt: int
    wait_seconds: float | None
    run_seconds: float | None
    kind: str
    queue: str
    role: str
    """The login in PostgreSQL that did it."""
    application: str
    subject: str | None
    """The subject of the API that did it; None: it was not done through the API."""
    created_by: str
    audience: list[str]
    detail: dict[str, Any] | None

    def matches(self, wanted: Filter) -> bool:
        """By ids, status, kind, queue and created_by: an entry knows no more of its task."""
        return all(
            among is None or value in among
            for value, among in (
                (self.task_id, wanted.ids),
                (self.status, wanted.status),
                (self.kind, wanted.kind),
                (self.queue, wanted.queue),
                (self.created_by, wanted.created_by),
            )
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """Entries of these tasks, of these queues, or of these kinds."""

    tasks: list[int]
    queues: list[str]
    kinds: list[str]

    @classmethod
    def of(cls, wanted: Iterable[Filter], tasks: Iterable[int] = ()) -> "Scope | None":
        """A small one that holds what matches any of these, and these tasks; None: everything."""
        of_tasks, of_queues, of_kinds = set(tasks), set[str](), set[str]()
        for each in wanted:
            if each.ids is not None:
                of_tasks.update(each.ids)
            elif each.queue is not None:
                of_queues.update(each.queue)
            elif each.kind is not None:
                of_kinds.update(each.kind)
            else:
                return None
        return cls(list(of_tasks), list(of_queues), list(of_kinds))


@dataclass(frozen=True, slots=True)
class Cursor:
    """What was seen: all that `snapshot` shows, and of what `upto` shows the ids up to `above`."""

    place: str
    """Which history of which database it belongs to."""
    snapshot: str
    """A pg_snapshot as text."""
    upto: str | None = None
    above: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """What followed a cursor, by id, so that the entries of each task keep their order."""

    entries: list[Entry]
    cursor: Cursor
    """What was seen once all of the page is."""
    snapshot: str
    """The one that the entries were read in."""
    since: Cursor
    is_last: bool
    """False: there may be more by now. True: there was none in the snapshot of `cursor`."""

    def cursor_at(self, entry: Entry) -> Cursor:
        """What was seen once this entry is."""
        return Cursor(self.since.place, self.since.snapshot, self.snapshot, entry.id)
