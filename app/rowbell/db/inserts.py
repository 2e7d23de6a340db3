"""New tasks: plain INSERTs, as any application would write them."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from rowbell.db.pool import Connection, Database
from rowbell.db.refusals import unique_key_conflict
from rowbell.db.tasks import COLUMNS, acting, as_json, as_task
from rowbell.errors import InvalidArgument, Unavailable
from rowbell.task import Conflict, NewTask, OnConflict, Task
from rowbell.viewer import Viewer

MOST = 1_000
"""Tasks of one transaction."""

TRIES = 10

_PLAIN = (
    "kind", "description", "queue", "priority", "run_at", "max_attempts", "timeout", "unique_key",
    "audience", "concurrency_key", "after", "after_failure", "after_batch", "batch", "traceparent",
)  # fmt: skip

_NEVER_REPLACED = ("after", "after_failure", "after_batch", "batch")
"""Others count on them from the moment of the INSERT."""

_OPEN = "unique_key is not null and status in ('PENDING', 'PROCESSING')"
"""The predicate of the index tasks_unique_key."""

# A row that this statement inserted has no xmax; one that it updated was locked by it before.
_TOLD = f"{COLUMNS}, t.xmax = 0 as is_new"

_OUTCOMES = {OnConflict.REPLACE: Conflict.REPLACED, OnConflict.RESCHEDULE: Conflict.RESCHEDULED}


async def create(database: Database, new: NewTask, *, subject: str | None = None) -> Task:
    """Insert one task on behalf of an API subject; None: of the SQL role.

    Raises InvalidArgument, UniqueKeyConflict, Forbidden, Unavailable.
    """
    (task,) = await create_all(database, [new], subject=subject)
    return task


async def create_all(
    database: Database,
    news: Sequence[NewTask],
    *,
    subject: str | None = None,
    viewer: Viewer | None = None,
) -> list[Task]:
    """Insert 1 to MOST tasks, all or none; returned in the order of `news`. Raises as `create`.

    For a caller of the API, an open task that has the unique_key and is not its own is a conflict,
    whatever on_conflict says.
    """
    subject = viewer.subject if viewer else subject
    if not 1 <= len(news) <= MOST:
        raise InvalidArgument(
            f"{len(news)} tasks cannot be inserted at once.",
            hint=f"Give 1 to {MOST}; they are inserted together or not at all.",
            field="inputs",
        )
    for new in news:
        _check(new)
    at_once = len(news) > 1 or news[0].on_conflict is not OnConflict.REJECT
    async with acting(database, subject, at_once=at_once) as connection:
        created = await _insert_in_order(connection, news)
        for task in created.values():
            _check_conflict(task, viewer)
    return [created[place] for place in range(len(news))]


def _check_conflict(task: Task, viewer: Viewer | None) -> None:
    """Raises UniqueKeyConflict within the transaction, so that what was changed is not."""
    if viewer is None or task.conflict is None:
        return
    if not viewer.sees(task.created_by, task.audience) or (
        task.conflict is not Conflict.KEPT and not viewer.changes(task.created_by)
    ):
        raise unique_key_conflict()


def _check(new: NewTask) -> None:
    if new.on_conflict is OnConflict.REJECT:
        return
    if new.unique_key is None:
        raise InvalidArgument(
            f"{new.on_conflict} says what to do about a unique_key, and there is none.",
            hint="Give a unique_key, or leave on_conflict out.",
            field="on_conflict",
        )
    fixed = [name for name in _NEVER_REPLACED if getattr(new, name) is not None]
    if new.on_conflict is OnConflict.REPLACE and fixed:
        raise InvalidArgument(
            f"{fixed[0]} of a waiting task cannot be replaced: other tasks may count on it.",
            hint="Use KEEP, or cancel the task and create another.",
            field=fixed[0],
        )


async def _insert_in_order(connection: Connection, news: Sequence[NewTask]) -> dict[int, Task]:
    """By unique_key, so that two transactions never wait for each other's keys in a circle."""
    created: dict[int, Task] = {}
    ordered = sorted(enumerate(news), key=lambda each: each[1].unique_key or "")
    for rejects, group in groupby(
        ordered, key=lambda each: each[1].on_conflict is OnConflict.REJECT
    ):
        places, given = zip(*group, strict=True)
        if rejects:
            rows = await connection.fetch(*_plain(given))
            created.update(zip(places, map(as_task, rows), strict=True))
        else:
            for place, new in zip(places, given, strict=True):
                created[place] = await _insert_or_else(connection, new)
    return created


async def _insert_or_else(connection: Connection, new: NewTask) -> Task:
    """Insert it, or do what it says about the open task that has its key. Raises Unavailable."""
    statement, *values = _plain([new], _on_conflict(new))
    for _ in range(TRIES):
        row = await connection.fetchrow(statement, *values)
        if row is not None:
            is_new = row["is_new"]
            return as_task(row, conflict=None if is_new else _OUTCOMES[new.on_conflict])
        row = await connection.fetchrow(
            f"select {COLUMNS} from rowbell.tasks t where t.unique_key = $1 and {_OPEN}",  # noqa: S608
            new.unique_key,
        )
        if row is not None:
            return as_task(row, conflict=Conflict.KEPT)
        # It has ended between the two statements, so the key is free again.
    raise Unavailable(f"the task of the unique_key ended {TRIES} times meanwhile.")


def _on_conflict(new: NewTask) -> str:
    target = f" on conflict (unique_key) where {_OPEN}"
    if new.on_conflict is OnConflict.KEEP:
        return f"{target} do nothing"
    names = ["run_at"]
    if new.on_conflict is OnConflict.REPLACE:
        names = [name for name in _given(new) if name != "unique_key"]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names)
    return f"{target} do update set {changes} where t.status = 'PENDING'"


def _plain(news: Sequence[NewTask], on_conflict: str = "") -> tuple[Any, ...]:
    """One INSERT of all, and its values; columns that are not given keep their defaults."""
    rows = [_given(new) for new in news]
    names = list(dict.fromkeys(name for row in rows for name in row))
    values: list[Any] = []
    lines: list[str] = []
    for row in rows:
        places = []
        for name in names:
            expression, *value = row.get(name, ("default",))
            values.extend(value)
            places.append(expression.format(len(values)))
        lines.append(f"({', '.join(places)})")
    told = _TOLD if on_conflict else COLUMNS
    statement = (
        f"insert into rowbell.tasks as t ({', '.join(names)}) values {', '.join(lines)}"  # noqa: S608
        f"{on_conflict} returning {told}"
    )
    return statement, *values


def _given(new: NewTask) -> dict[str, tuple[Any, ...]]:
    """An SQL expression with a place for its value, and that value, for each given column."""
    given = {name: ("${}", getattr(new, name)) for name in _PLAIN if getattr(new, name) is not None}
    if new.run_in is not None:
        given["run_at"] = ("now() + ${}::interval", new.run_in)  # by the server's clock, not ours
    if new.payload is not None:
        given["payload"] = ("${}::text::jsonb", as_json(new.payload, field="payload"))
    return given
