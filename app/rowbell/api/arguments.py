"""Arguments of the schema become the plain values that the database is asked with."""

from dataclasses import fields
from typing import Any

from rowbell.api.cursors import LARGEST_ID
from rowbell.api.scalars import problem_of_text
from rowbell.api.subscriptions import no_such_task
from rowbell.errors import InvalidArgument
from rowbell.task import NAME, Filter, NewTask, OnConflict, Selection

PAGE = 50
LARGEST_PAGE = 100
LARGEST_BULK = 10_000
LONGEST_KEY = 200
LARGEST_LIST = 1_000
LONGEST_SOUGHT = 200
LONGEST_WAIT = 60.0


def task_id(text: str) -> int | None:
    """None if no task can have this id; clients hear then that there is no such task."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 19):
        return None
    number = int(text)
    return number if number <= LARGEST_ID else None


def existing(text: str) -> int:
    """Raises NotFound if no task can have this id."""
    number = task_id(text)
    if number is None:
        raise no_such_task(text)
    return number


def page_size(first: int | None) -> int:
    """Raises InvalidArgument."""
    if first is None:
        return PAGE
    if not 1 <= first <= LARGEST_PAGE:
        raise InvalidArgument(f"first is {first}.", hint=f"Use 1 to {LARGEST_PAGE}.", field="first")
    return first


def wanted(given: dict[str, Any] | None) -> Filter:
    """Which tasks to list. Raises InvalidArgument."""
    return Filter(**_conditions(given or {}))


def wanted_changes(given: dict[str, Any] | None) -> Filter:
    """Of which tasks to tell changes. Raises InvalidArgument for what no change tells."""
    for name in given or {}:
        if name not in _TOLD:
            raise InvalidArgument(
                "changes are chosen by ids, status, kind, queue and createdBy alone.",
                hint="Ask for `task` of each event, and compare its fields.",
                field=name,
            )
    return wanted(given)


_TOLD = ("ids", "status", "kind", "queue", "created_by")


def _conditions(given: dict[str, Any]) -> dict[str, Any]:
    """Of a list, or of a change of many. Raises InvalidArgument."""
    conditions = dict(given)
    for name in ("kind", "queue", "error_type", "error_fingerprint", "created_by"):
        names = conditions.get(name) or []
        check_texts(name, names)
        if len(names) > LARGEST_LIST:
            raise InvalidArgument(
                f"{name} has {len(names)} values.", hint=f"Give at most {LARGEST_LIST}.", field=name
            )
    if conditions.get("ids") is not None:
        numbers = (task_id(text) for text in conditions["ids"])
        conditions["ids"] = [number for number in numbers if number is not None]
    if conditions.get("text") is not None:
        conditions["text"] = _sought(conditions["text"])
    return conditions


def _sought(text: str) -> str | None:
    """None if any text will do. Raises InvalidArgument."""
    check_texts("text", [text])
    if len(text) > LONGEST_SOUGHT:
        raise InvalidArgument(
            f"text has {len(text)} characters.",
            hint=f"Look for at most {LONGEST_SOUGHT}.",
            field="text",
        )
    return text if text.strip() else None


def new_task(given: dict[str, Any]) -> NewTask:
    """What to insert. Raises InvalidArgument."""
    schedule = given.get("schedule") or {}
    values: dict[str, Any] = {each.name: given.get(each.name) for each in fields(NewTask)}
    values["run_at"], values["run_in"] = schedule.get("at"), schedule.get("in")
    values["on_conflict"] = values["on_conflict"] or OnConflict.REJECT
    values["after"] = None if values["after"] is None else _parents(values["after"])
    for name in _TEXTS:
        check_texts(name, [values[name] or ""])
    check_texts("audience", values["audience"] or [])
    return NewTask(**values)


_TEXTS = (
    "description",
    "kind",
    "queue",
    "unique_key",
    "concurrency_key",
    "after_batch",
    "batch",
    "traceparent",
)


def _parents(texts: list[str]) -> list[int]:
    """Raises InvalidArgument: to wait for what cannot exist would be to wait for ever."""
    numbers = []
    for text in texts:
        number = task_id(text)
        if number is None:
            raise InvalidArgument(
                f"no task can have the id {text[:80]!r}.",
                hint="Give ids that createTask returned.",
                field="after",
            )
        numbers.append(number)
    return numbers


def selection(given: dict[str, Any]) -> Selection:
    """Which tasks to change. Raises InvalidArgument."""
    return Selection(**_conditions(given))


def bulk_size(limit: int) -> int:
    """Raises InvalidArgument."""
    if not 1 <= limit <= LARGEST_BULK:
        raise InvalidArgument(
            f"limit is {limit}.",
            hint=f"Use 1 to {LARGEST_BULK}, and call again while hasMore.",
            field="limit",
        )
    return limit


def wait_seconds(seconds: float) -> float:
    """Raises InvalidArgument."""
    if not 0 <= seconds <= LONGEST_WAIT:
        raise InvalidArgument(
            f"waitSeconds is {seconds:g}.",
            hint=f"Use 0 to {LONGEST_WAIT:g}; for longer, subscribe to the task.",
            field="wait_seconds",
        )
    return seconds


def queue_name(name: str) -> str:
    """Raises InvalidArgument."""
    if not NAME.fullmatch(name):
        raise InvalidArgument(
            f"no queue can be named {name[:80]!r}.",
            hint="Use a-z, 0-9 and _, at most 63 characters: reports_nightly.",
            field="name",
        )
    return name


def check_key(key: str) -> None:
    """A concurrency key. Raises InvalidArgument."""
    check_texts("key", [key])
    if not 1 <= len(key) <= LONGEST_KEY:
        raise InvalidArgument(
            f"the key has {len(key)} characters.", hint=f"Use 1 to {LONGEST_KEY}.", field="key"
        )


def check_texts(field: str, texts: list[str]) -> None:
    for text in texts:
        problem = problem_of_text(text)
        if problem:
            raise InvalidArgument(f"{field} cannot be kept: {problem}", field=field)
