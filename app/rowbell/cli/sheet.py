"""How a task looks: as a row of a table, and as a sheet of its own."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from rich.text import Text

from rowbell.cli.durations import age, in_words
from rowbell.cli.screen import one_line, printable, status_text
from rowbell.task import Status, Task

COLUMNS = ("id", "kind", "status", "queue", "attempts", "age", "description or error")
LABEL_WIDTH = 14


def row(task: Task) -> list[Text | str]:
    return [
        str(task.id),
        printable(task.kind),
        status_text(task.status),
        task.queue,
        f"{task.attempt}, {task.failures}/{task.max_attempts} failed"
        if task.failures
        else str(task.attempt),
        age(task.created_at),
        _remark(task),
    ]


def _remark(task: Task) -> Text:
    """Why it is where it is, as far as the row says it, and what it is for."""
    parts = []
    if _is_ahead(task):
        parts.append((f"in {_until(task.run_at)} ", "yellow"))
    if task.error and task.status is not Status.COMPLETED:
        parts.append((one_line(failure(task.error)) + " ", "red"))
    if task.description:
        parts.append((one_line(task.description), ""))
    text = Text.assemble(*parts)
    text.rstrip()
    return text


def sheet(task: Task, reasons: Sequence[str] = ()) -> Text:
    """Everything about a task, a line each; what is empty is left out."""
    text = Text()
    for label, value in _lines(task, reasons):
        text.append(f"{label:{LABEL_WIDTH}}", "dim").append(value).append("\n")
    for label, document in (("payload", task.payload), ("result", task.result)):
        if document is not None:
            text.append(f"\n{label}\n", "bold").append(_indented(_json(document)))
    if task.error:
        text.append("\nerror\n", "bold").append(_error(task.error))
    text.rstrip()
    return text


def _lines(task: Task, reasons: Sequence[str]) -> Iterator[tuple[str, Text | str]]:
    lines: list[tuple[str, Text | str | None]] = [
        ("task", str(task.id)),
        ("kind", task.kind),
        ("status", _status(task)),
        *(("why", reason) for reason in reasons if task.status is Status.PENDING),
        ("description", printable(task.description) if task.description else None),
        ("queue", task.queue),
        ("priority", str(task.priority)),
        ("progress", None if task.progress is None else f"{task.progress:.0%}"),
        ("attempts", _attempts(task)),
        ("timeout", in_words(task.timeout) if task.timeout else None),
        ("unique key", printable(task.unique_key) if task.unique_key else None),
        ("concurrency", printable(task.concurrency_key) if task.concurrency_key else None),
        ("after", _after(task)),
        ("batch", printable(task.batch) if task.batch else None),
        ("audience", printable(", ".join(task.audience)) or None),
        ("created", f"{_instant(task.created_at)} by {printable(task.created_by)}"),
        ("run at", None if task.run_at == task.created_at else _instant(task.run_at)),
        ("started", _instant(task.started_at)),
        ("cancel asked", _instant(task.cancel_requested_at)),
        ("finished", _finished(task)),
        ("worker", None if task.worker is None else str(task.worker)),
    ]
    return ((label, value) for label, value in lines if value is not None)


def _status(task: Task) -> Text:
    text = status_text(task.status)
    if _is_ahead(task):
        text.append(f", due in {_until(task.run_at)}", "default")
    return text


def _attempts(task: Task) -> str:
    crashes = f", {task.crashes} lost with their worker" if task.crashes else ""
    return f"{task.attempt} begun, {task.failures} of {task.max_attempts} failed{crashes}"


def _after(task: Task) -> str | None:
    parents = [str(parent) for parent in task.after]
    if task.after_batch:
        parents.append(f"batch {printable(task.after_batch)}")
    if not parents:
        return None
    return f"{', '.join(parents)}; if one fails: {task.after_failure}"


def _finished(task: Task) -> str | None:
    if task.finished_at is None or task.started_at is None:
        return _instant(task.finished_at)
    return f"{_instant(task.finished_at)}, after {in_words(task.finished_at - task.started_at)}"


def _instant(instant: datetime | None) -> str | None:
    if instant is None:
        return None
    local = instant.astimezone().isoformat(" ", "milliseconds")
    return local if instant > datetime.now(UTC) else f"{local} ({age(instant)} ago)"


def _is_ahead(task: Task) -> bool:
    return task.status is Status.PENDING and task.run_at > datetime.now(UTC)


def _until(instant: datetime) -> str:
    return in_words(instant - datetime.now(UTC))


def failure(error: dict[str, Any]) -> str:
    return f"{error.get('type', 'Error')}: {error.get('message', '')}"


def _error(error: dict[str, Any]) -> Text:
    text = Text(_indented(printable(failure(error))), "red")
    others = {name: value for name, value in error.items() if name not in _TOLD}
    if others:
        words = ", ".join(f"{name} {_plain(value)}" for name, value in others.items())
        text.append(_indented(printable(words)), "dim")
    if error.get("traceback"):
        text.append("\n" + _indented(printable(str(error["traceback"]))), "default")
    return text


_TOLD = ("type", "message", "traceback")


def _plain(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _json(value: Any) -> str:
    return printable(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
