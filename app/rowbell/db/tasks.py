"""One function for each SQL function of rowbell.tasks: this is how the service changes tasks."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import orjson
from pydantic_core import PydanticSerializationError, to_jsonable_python

from rowbell.db.pool import CLAIM_SECONDS, Connection, Database
from rowbell.db.session import Session
from rowbell.errors import InvalidArgument
from rowbell.task import LIMIT_BYTES, AfterFailure, Claim, Conflict, Status, Task
from rowbell.viewer import Viewer

COLUMNS = """
  t.id, t.kind, t.queue, t.status::text, t.priority, t.description, t.payload::text,
  t.result::text, t.error::text, t.progress, t.audience, t.unique_key, t.attempt, t.failures,
  t.crashes,
  coalesce(t.max_attempts, (select k.max_attempts from rowbell.kinds k where k.name = t.kind), 5)
    as max_attempts,
  t.timeout, t.worker, t.created_by, t.created_at, t.run_at, t.started_at, t.finished_at,
  t.cancel_requested_at, t.concurrency_key, coalesce(t.after, '{}') as after, t.after_failure,
  t.after_batch, t.batch
"""

_CLAIM = (
    "select id, attempt, kind, failures, timeout, payload,"
    " wait_seconds, traceparent, failed_traceparent, is_last"
    " from rowbell.claim($1::text, $2::bigint, $3::int, $4::text[], coalesce($5, now()))"
)
_BY_SWEEP = "select set_config('rowbell.found_by', 'sweep', true)"
_COMPLETE = "select rowbell.complete($1, $2, $3, coalesce($4, now()))"

ROUNDING = 1e-9
"""By how much a sum of fractions may miss 0 and 1."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a task whose attempt failed or was released."""

    id: int
    status: Status
    failures: int = 0
    max_attempts: int = 0
    on_failed: str | None = None
    """The kind that was enqueued because the task is FAILED."""


async def cancel(
    database: Database, task_id: int, *, subject: str | None = None, viewer: Viewer | None = None
) -> Task:
    """On behalf of a subject, or of a caller of the API, which may not change every task.

    Raises NotFound, Forbidden, InvalidState, Unavailable.
    """
    return await _change(database, "cancel", task_id, subject, viewer)


async def retry(
    database: Database, task_id: int, *, subject: str | None = None, viewer: Viewer | None = None
) -> Task:
    """As `cancel`. Raises UniqueKeyConflict, too."""
    return await _change(database, "retry", task_id, subject, viewer)


async def _change(
    database: Database, function: str, task_id: int, subject: str | None, viewer: Viewer | None
) -> Task:
    values: tuple[Any, ...] = (task_id,)
    source = f"rowbell.{function}($1) t"
    if viewer is not None:
        subject = viewer.subject
        if not viewer.sees_everything:
            values = (task_id, subject, list(viewer.audiences), str(viewer.role))
            source = (
                "rowbell.check_may_change($1, $2, $3, $4) allowed"
                f" cross join lateral rowbell.{function}(allowed) t"
            )
    query = f"select {COLUMNS} from {source}"  # noqa: S608
    return as_task(await as_subject(database, subject, query, *values))


async def claim(
    database: Database,
    queue: str,
    worker: int,
    slots: int,
    kinds: list[str],
    *,
    by_sweep: bool = False,
    session: Session | None = None,
) -> list[Claim]:
    """Up to `slots` attempts of due tasks of one queue. Raises Unavailable.

    `by_sweep`: no bell has announced them, and the journal says so. `session`: to be asked instead
    of the connection that is kept for claims. Raises InvalidState if the worker was lost.
    """
    asked = (_CLAIM, queue, worker, slots, kinds, database.at)
    if session:
        rows = await session.fetch(*asked, seconds=CLAIM_SECONDS)
        return [Claim._make((*row, queue)) for row in rows]
    async with database.kept() as connection:
        if not by_sweep:
            rows = await connection.fetch(*asked)
        else:
            async with connection.transaction():
                await connection.execute(_BY_SWEEP)
                rows = await connection.fetch(*asked)
    return [Claim._make((*row, queue)) for row in rows]


async def complete(
    database: Database, ids: list[int], attempts: list[int], results: list[str | None]
) -> list[int]:
    """Returns the ids that were refused. Raises InvalidArgument for a bad result, Unavailable."""
    async with database.pooled() as connection:
        rows = await connection.fetch(_COMPLETE, ids, attempts, results, database.at)
    return [row[0] for row in rows]


async def complete_within(
    connection: Connection,
    task_id: int,
    attempt: int,
    result: str | None,
    *,
    at: datetime | None = None,
) -> bool:
    """Complete an attempt in a transaction of its handler. False: refused, so roll back."""
    refused = await connection.fetch(_COMPLETE, [task_id], [attempt], [result], at)
    return not refused


async def fail(
    database: Database,
    ids: list[int],
    attempts: list[int],
    errors: list[str],
    delays: list[float | None],
) -> dict[int, Verdict]:
    """Delays are seconds; None fails for good. Returns verdicts by id; refused ids are missing."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            "select id, status::text, failures, max_attempts, on_failed"
            " from rowbell.fail($1, $2, $3, $4, coalesce($5, now()))",
            ids,
            attempts,
            errors,
            delays,
            database.at,
        )
    return {row[0]: Verdict(row[0], Status(row[1]), *row[2:]) for row in rows}


async def keep_lines(
    database: Database, ids: list[int], attempts: list[int], outcomes: list[str], lines: list[str]
) -> None:
    """Keep what attempts have logged (JSON arrays), just before their outcomes are written."""
    async with database.pooled() as connection:
        await connection.execute(
            "select rowbell.keep_lines($1, $2, $3, $4, coalesce($5, now()))",
            ids,
            attempts,
            outcomes,
            lines,
            database.at,
        )


async def release(database: Database, ids: list[int], attempts: list[int]) -> dict[int, Verdict]:
    """Ends attempts without a verdict. Returns verdicts by id; refused ids are missing."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            "select id, status::text from rowbell.release($1, $2, coalesce($3, now()))",
            ids,
            attempts,
            database.at,
        )
    return {row[0]: Verdict(row[0], Status(row[1])) for row in rows}


async def report_progress(
    database: Database, ids: list[int], attempts: list[int], fractions: list[float]
) -> None:
    """Fractions are 0 to 1; those of attempts that have ended are ignored."""
    async with database.pooled() as connection:
        await connection.execute(
            "select rowbell.report_progress($1, $2, $3)", ids, attempts, fractions
        )


async def pause(database: Database, queue: str, *, subject: str | None = None) -> None:
    """Raises InvalidArgument, Unavailable."""
    await as_subject(database, subject, "select rowbell.pause($1)", queue)


async def resume(database: Database, queue: str, *, subject: str | None = None) -> None:
    """Raises InvalidArgument, Unavailable."""
    await as_subject(database, subject, "select rowbell.resume($1)", queue)


def as_task(row: Mapping[str, Any], *, conflict: Conflict | None = None) -> Task:
    """The Task of a row of COLUMNS, whatever else the row has."""
    values = {name: row[name] for name in _NAMES}
    for name in ("payload", "result", "error"):
        values[name] = None if values[name] is None else _parsed(values[name])
    values["status"] = Status(values["status"])
    values["after_failure"] = AfterFailure(values["after_failure"])
    return Task(**values, conflict=conflict)


_NAMES = [field.name for field in fields(Task) if field.name != "conflict"]


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # PostgreSQL stores numbers beyond 64 bits and any depth: such a row is shown as its text.
        return text


def as_json(value: Any, *, field: str) -> str:
    """JSON text; InvalidArgument that names the field if the value has none."""
    try:
        return orjson.dumps(value, default=to_jsonable_python).decode()
    except (orjson.JSONEncodeError, PydanticSerializationError) as error:
        raise InvalidArgument(
            f"the {field} is no JSON: {error}.",
            hint="Use objects, lists, text, numbers.",
            field=field,
        ) from error


def as_result(value: Any) -> str | None:
    """JSON text of a handler's result; InvalidArgument if it has none or is too large."""
    if value is None:
        return None
    text = as_json(value, field="result")
    if (size := len(text.encode())) > LIMIT_BYTES:
        raise InvalidArgument(
            f"the result has {size} bytes as JSON, the limit is {LIMIT_BYTES}.",
            hint="Return a key or a count; keep the data elsewhere.",
            field="result",
        )
    return text


async def as_subject(database: Database, subject: str | None, query: str, *values: Any) -> Any:
    """The first row of a statement that is made in a subject's name."""
    async with acting(database, subject) as connection:
        return await connection.fetchrow(query, *values)


@asynccontextmanager
async def acting(
    database: Database, subject: str | None, *, at_once: bool = False
) -> AsyncIterator[Connection]:
    """A connection for statements in a subject's name; `at_once`: in one transaction anyway."""
    async with database.pooled() as connection:
        if subject is None and not at_once:
            yield connection
            return
        async with connection.transaction():
            if subject is not None:
                await connection.execute("select set_config('rowbell.subject', $1, true)", subject)
            yield connection


def as_progress(fraction: float) -> float:
    """What a handler tells, freed of the rounding of its sums; ValueError if it is not 0 to 1."""
    if not -ROUNDING <= fraction <= 1 + ROUNDING:
        raise ValueError(f"progress {fraction} is not between 0 and 1")
    return min(max(float(fraction), 0.0), 1.0)
