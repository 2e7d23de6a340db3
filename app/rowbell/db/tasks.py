"""One function for each SQL function of rowbell.tasks: this is how the service changes tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic_core import PydanticSerializationError, to_jsonable_python

from rowbell.db.pool import Connection, Database
from rowbell.errors import InvalidArgument
from rowbell.task import LIMIT_BYTES, Claim, NewTask, Status, Task

COLUMNS = """
  t.id, t.kind, t.queue, t.status::text, t.priority, t.description, t.payload::text,
  t.result::text, t.error::text, t.progress, t.audience, t.unique_key, t.attempt, t.failures,
  t.crashes,
  coalesce(t.max_attempts, (select k.max_attempts from rowbell.kinds k where k.name = t.kind), 5)
    as max_attempts,
  t.timeout, t.worker, t.created_by, t.created_at, t.run_at, t.started_at, t.finished_at,
  t.cancel_requested_at
"""

_CLAIM = (
    "select id, attempt, kind, failures, timeout, payload from rowbell.claim($1, $2, $3::int, $4)"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a task whose attempt failed or was released."""

    id: int
    status: Status
    failures: int = 0
    max_attempts: int = 0
    on_failed: str | None = None
    """The kind that was enqueued because the task is FAILED."""


async def create(database: Database, new: NewTask, *, subject: str | None = None) -> Task:
    """Insert one task on behalf of an API subject; None: of the SQL role.

    Raises InvalidArgument, UniqueKeyConflict, Unavailable.
    """
    names, places, values = _columns(new)
    query = (
        f"insert into rowbell.tasks as t ({', '.join(names)}) values ({', '.join(places)})"  # noqa: S608
        f" returning {COLUMNS}"
    )
    return as_task(await _as_subject(database, subject, query, *values))


async def cancel(database: Database, task_id: int, *, subject: str | None = None) -> Task:
    """Raises NotFound, InvalidState, Unavailable."""
    query = f"select {COLUMNS} from rowbell.cancel($1) t"  # noqa: S608
    return as_task(await _as_subject(database, subject, query, task_id))


async def retry(database: Database, task_id: int, *, subject: str | None = None) -> Task:
    """Raises NotFound, InvalidState, UniqueKeyConflict, Unavailable."""
    query = f"select {COLUMNS} from rowbell.retry($1) t"  # noqa: S608
    return as_task(await _as_subject(database, subject, query, task_id))


async def claim(
    database: Database, queue: str, worker: int, slots: int, kinds: list[str]
) -> list[Claim]:
    """Up to `slots` attempts of due tasks of one queue. Raises Unavailable.

    Raises InvalidState if the worker was lost.
    """
    async with database.kept() as connection:
        rows = await connection.fetch(_CLAIM, queue, worker, slots, kinds)
    return [Claim(*row) for row in rows]


async def complete(
    database: Database, ids: list[int], attempts: list[int], results: list[str | None]
) -> list[int]:
    """Returns the ids that were refused. Raises InvalidArgument for a bad result, Unavailable."""
    async with database.pooled() as connection:
        rows = await connection.fetch("select rowbell.complete($1, $2, $3)", ids, attempts, results)
    return [row[0] for row in rows]


async def complete_within(
    connection: Connection, task_id: int, attempt: int, result: str | None
) -> bool:
    """Complete an attempt in a transaction of its handler. False: refused, so roll back."""
    refused = await connection.fetch(
        "select rowbell.complete($1, $2, $3)", [task_id], [attempt], [result]
    )
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
            " from rowbell.fail($1, $2, $3, $4)",
            ids,
            attempts,
            errors,
            delays,
        )
    return {row[0]: Verdict(row[0], Status(row[1]), *row[2:]) for row in rows}


async def keep_lines(
    database: Database, ids: list[int], attempts: list[int], outcomes: list[str], lines: list[str]
) -> None:
    """Keep what attempts have logged (JSON arrays), just before their outcomes are written."""
    async with database.pooled() as connection:
        await connection.execute(
            "select rowbell.keep_lines($1, $2, $3, $4)", ids, attempts, outcomes, lines
        )


async def release(database: Database, ids: list[int], attempts: list[int]) -> dict[int, Verdict]:
    """Ends attempts without a verdict. Returns verdicts by id; refused ids are missing."""
    async with database.pooled() as connection:
        rows = await connection.fetch(
            "select id, status::text from rowbell.release($1, $2)", ids, attempts
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
    await _as_subject(database, subject, "select rowbell.pause($1)", queue)


async def resume(database: Database, queue: str, *, subject: str | None = None) -> None:
    """Raises InvalidArgument, Unavailable."""
    await _as_subject(database, subject, "select rowbell.resume($1)", queue)


def as_task(row: Sequence[Any]) -> Task:
    """The Task of a row of COLUMNS."""
    values = dict(row)
    for name in ("payload", "result", "error"):
        values[name] = None if values[name] is None else _parsed(values[name])
    return Task(**{**values, "status": Status(values["status"])})


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # PostgreSQL stores numbers beyond 64 bits and any depth: such a row is shown as its text.
        return text


_PLAIN = (
    "kind", "description", "queue", "priority", "run_at", "max_attempts", "timeout", "unique_key",
    "audience",
)  # fmt: skip


def _columns(new: NewTask) -> tuple[list[str], list[str], list[Any]]:
    """Names, SQL expressions and values of the columns that are given."""
    given = {name: getattr(new, name) for name in _PLAIN if getattr(new, name) is not None}
    if new.run_in is not None:
        given["run_at"] = new.run_in
    if new.payload is not None:
        given["payload"] = as_json(new.payload, field="payload")
    places = []
    for number, name in enumerate(given, start=1):
        if name == "run_at" and new.run_in is not None:
            places.append(f"now() + ${number}::interval")  # by the server's clock, not ours
        else:
            places.append(f"${number}::text::jsonb" if name == "payload" else f"${number}")
    return list(given), places, list(given.values())


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


async def _as_subject(database: Database, subject: str | None, query: str, *values: Any) -> Any:
    async with database.pooled() as connection:
        if subject is None:
            return await connection.fetchrow(query, *values)
        async with connection.transaction():
            await connection.execute("select set_config('rowbell.subject', $1, true)", subject)
            return await connection.fetchrow(query, *values)
