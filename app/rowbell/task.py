"""What a task is: plain values, as they are in the table."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")

TRACEPARENT = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
"""W3C Trace Context."""

LIMIT_BYTES = 65_536
"""The most that a payload or a result may have, as JSON: a task carries keys and ids."""


class Status(StrEnum):
    """Where a task stands. PENDING and PROCESSING are open, the others final."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        return self not in (Status.PENDING, Status.PROCESSING)


class OnConflict(StrEnum):
    """What a producer wants if an open task has the unique_key already."""

    REJECT = "REJECT"
    KEEP = "KEEP"
    REPLACE = "REPLACE"
    RESCHEDULE = "RESCHEDULE"


class Conflict(StrEnum):
    """What was done about the open task that had the unique_key."""

    KEPT = "KEPT"
    REPLACED = "REPLACED"
    RESCHEDULED = "RESCHEDULED"


class AfterFailure(StrEnum):
    """What becomes of a task when one of those that it waits for ends FAILED or CANCELLED."""

    CANCEL = "cancel"
    RUN = "run"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One row of `rowbell.tasks`. payload, result and error are JSON values, times are in UTC."""

    id: int
    kind: str
    queue: str
    status: Status
    priority: int
    description: str | None
    payload: Any
    result: Any
    error: dict[str, Any] | None
    progress: float | None
    audience: list[str]
    unique_key: str | None
    attempt: int
    failures: int
    crashes: int
    max_attempts: int
    timeout: timedelta | None
    worker: int | None
    created_by: str
    created_at: datetime
    run_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    concurrency_key: str | None
    after: list[int]
    after_failure: AfterFailure
    after_batch: str | None
    batch: str | None
    conflict: Conflict | None = None
    """Only in the answer to a producer: it asked for a task, and an open one had its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """What an INSERT may give; None leaves the column to its default."""

    kind: str = "echo"
    payload: Any = None
    description: str | None = None
    queue: str | None = None
    priority: int | None = None
    run_at: datetime | None = None
    run_in: timedelta | None = None
    max_attempts: int | None = None
    timeout: timedelta | None = None
    unique_key: str | None = None
    audience: list[str] | None = None
    concurrency_key: str | None = None
    after: list[int] | None = None
    after_failure: AfterFailure | None = None
    after_batch: str | None = None
    batch: str | None = None
    traceparent: str | None = None
    on_conflict: OnConflict = OnConflict.REJECT


class Claim(NamedTuple):
    """One attempt at a task, as a claim hands it out: (id, attempt) is the fence."""

    id: int
    attempt: int
    kind: str
    failures: int
    timeout: float | None
    """Seconds; None: the kind's, or none."""
    payload: str
    """JSON text, parsed by the handler's own model."""
    wait_seconds: float = 0.0
    """How long it was due before it was claimed."""
    traceparent: str | None = None
    """The W3C trace context in which it was asked for."""
    failed_traceparent: str | None = None
    """That of the attempt that failed before."""
    is_last: bool = False
    """No other task waited in its queue then, due or not."""
    queue: str = "default"

    @property
    def fields(self) -> dict[str, object]:
        """Of log lines."""
        return {"task": self.id, "kind": self.kind, "attempt": self.attempt}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tasks to list; all conditions must hold, None means any."""

    status: list[Status] | None = None
    kind: list[str] | None = None
    queue: list[str] | None = None
    ids: list[int] | None = None
    error_type: list[str] | None = None
    created_by: list[str] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    finished_after: datetime | None = None
    finished_before: datetime | None = None
    text: str | None = None
    """In the payload or the description, whatever its case."""

    @property
    def is_by_finish(self) -> bool:
        """True if the list is in the order in which its tasks have finished."""
        return self.finished_after is not None or self.finished_before is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which tasks to change; all conditions must hold, None means any. None at all is refused."""

    ids: list[int] | None = None
    queue: list[str] | None = None
    kind: list[str] | None = None
    status: list[Status] | None = None
    error_type: list[str] | None = None
    error_fingerprint: list[str] | None = None
    created_by: list[str] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    finished_after: datetime | None = None
    finished_before: datetime | None = None
    text: str | None = None
    everything: bool = False
    """Said explicitly, it stands for a condition."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of the tasks of a selection."""

    matched: int
    changed: int
    key_taken: int
    """Left alone, because an open task has their unique_key."""
    has_more: bool
    """There are more than were looked at: ask again."""
    sample: list[int]
    """Some of the ids."""
    undo: list[int]
    """What the opposite takes back: not those whose attempt was asked to stop."""


@dataclass(slots=True)
class Failure:
    """Why an attempt failed; becomes `tasks.error`."""

    type: str
    message: str
    traceback: str = ""
    retryable: bool = True
    delay: float | None = None
    """Seconds until the next attempt, if it may be tried again."""
    details: dict[str, str] = field(default_factory=dict)
    """What else `tasks.error` has: sqlstate, detail, hint and context of a SQL function."""
