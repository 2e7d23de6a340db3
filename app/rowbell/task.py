"""What a task is: plain values, as they are in the table."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")

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


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at a task, as a claim hands it out: (id, attempt) is the fence."""

    id: int
    attempt: int
    kind: str
    failures: int
    timeout: float | None
    """Seconds; None: the kind's, or none."""
    payload: str
    """JSON text, parsed by the handler's own model."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tasks to list; None means any."""

    status: list[Status] | None = None
    kind: list[str] | None = None
    queue: list[str] | None = None
    ids: list[int] | None = None


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
