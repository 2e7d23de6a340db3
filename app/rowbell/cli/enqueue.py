"""`rowbell enqueue`: insert a task, and wait for it if asked to; or insert many."""

import sys
from collections import Counter
from typing import Annotated

import orjson
import typer

from rowbell.cli import lines as lines_of_tasks
from rowbell.cli import waiting
from rowbell.cli.command import short
from rowbell.cli.durations import read_duration, read_instant
from rowbell.cli.kinds import refuse_unknown
from rowbell.cli.outcome import show_outcome
from rowbell.cli.screen import errors, out, say, show_json, status_text
from rowbell.cli.session import run
from rowbell.config import Settings
from rowbell.db import inserts
from rowbell.db.pool import Database
from rowbell.errors import InvalidArgument
from rowbell.logs import log
from rowbell.number import many
from rowbell.task import LIMIT_BYTES, AfterFailure, Conflict, NewTask, OnConflict, Task

TEXT_BYTES = 1_048_576
"""As much as a request to the API may have."""


@short
def enqueue(
    settings: Settings,
    *,
    kind: Annotated[
        str | None, typer.Argument(help="What to do, for example echo.", show_default=False)
    ] = None,
    payload: Annotated[
        str | None, typer.Argument(metavar="PAYLOAD_JSON", help="JSON; - reads it from stdin.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="What it is for, in words.")] = None,
    queue: Annotated[str | None, typer.Option(help="Which queue it waits in.")] = None,
    priority: Annotated[
        int | None, typer.Option(help="-100 to 100, higher runs first within a queue.")
    ] = None,
    run_in: Annotated[
        str | None, typer.Option("--in", metavar="DURATION", help="Not before: 90s, 5m, 1h30m.")
    ] = None,
    run_at: Annotated[
        str | None,
        typer.Option("--at", metavar="INSTANT", help="Not before: 2026-11-21T19:02, local time."),
    ] = None,
    max_attempts: Annotated[
        int | None, typer.Option(help="Failures until it is FAILED. Default: the kind's.")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option(metavar="DURATION", help="For one attempt. Default: the kind's.")
    ] = None,
    unique_key: Annotated[
        str | None, typer.Option(help="At most one open task has this key.")
    ] = None,
    on_conflict: Annotated[
        OnConflict,
        typer.Option(case_sensitive=False, help="What to do if an open task has the unique key."),
    ] = OnConflict.REJECT,
    audience: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Who else may see it; may be repeated.")
    ] = None,
    concurrency_key: Annotated[
        str | None, typer.Option(help="Tasks with one key run one at a time, or as it allows.")
    ] = None,
    after: Annotated[
        list[int] | None,
        typer.Option(metavar="ID", help="Only when this task is COMPLETED; may be repeated."),
    ] = None,
    after_failure: Annotated[
        AfterFailure | None,
        typer.Option(case_sensitive=False, help="If that task is not. Default: cancel."),
    ] = None,
    after_batch: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only when this batch is done.")
    ] = None,
    batch: Annotated[
        str | None, typer.Option(metavar="NAME", help="A name that it shares with others.")
    ] = None,
    traceparent: Annotated[
        str | None, typer.Option(help="The trace it belongs to, as W3C Trace Context writes it.")
    ] = None,
    lines: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Insert many: a JSON object a line; - reads stdin. No KIND then."
        ),
    ] = None,
    wait: Annotated[
        str | None,
        typer.Option(
            metavar="SECONDS", help="Wait for the end, print the result: 30, or 5m. Else exit 1."
        ),
    ] = None,
    park: Annotated[
        bool, typer.Option("--park", help="Even if no worker has ever known the kind.")
    ] = False,
    as_json: bool,
) -> None:
    """Insert a task. Piped, it prints the id alone: id=$(rowbell enqueue echo)."""
    if run_in and run_at:
        raise InvalidArgument("--in and --at say two things.", hint="Give one of them.")
    new = NewTask(
        kind=kind or NewTask().kind,
        payload=None if payload is None else read_payload(payload),
        description=description,
        queue=queue,
        priority=priority,
        run_in=read_duration(run_in) if run_in else None,
        run_at=read_instant(run_at) if run_at else None,
        max_attempts=max_attempts,
        timeout=read_duration(timeout) if timeout else None,
        unique_key=unique_key,
        audience=audience or None,
        concurrency_key=concurrency_key,
        after=after or None,
        after_failure=after_failure,
        after_batch=after_batch,
        batch=batch,
        traceparent=traceparent,
        on_conflict=on_conflict,
    )
    if lines is not None:
        if kind is not None or wait is not None or new != NewTask():
            raise InvalidArgument(
                "--lines says all of its tasks.", hint="Give only --park, --json and settings."
            )
        _enqueue_lines(settings, lines, park=park, as_json=as_json)
    elif kind is None:
        raise InvalidArgument("nothing says what to do.", hint="Give a KIND, or --lines FILE.")
    else:
        seconds = None if wait is None else waiting.read_seconds(wait)
        _enqueue_one(settings, new, park=park, as_json=as_json, seconds=seconds)


def _enqueue_one(
    settings: Settings, new: NewTask, *, park: bool, as_json: bool, seconds: float | None
) -> None:
    async def insert(database: Database) -> Task:
        if not park:
            await refuse_unknown(database, [new.kind])
        task = await inserts.create(database, new)
        if task.conflict is None:
            log.info("task.created", task=task.id, kind=task.kind, queue=task.queue)
        if seconds is None:
            return task
        if errors.is_terminal:  # who interrupts this should know what goes on without them
            errors.print(f"task {task.id}: waiting", style="dim")
        return await waiting.outcome_of(database, task, seconds=seconds)

    task = run(settings, insert)
    if seconds is None:
        _show(task, as_json=as_json)
    else:
        show_outcome(task, as_json=as_json)


def _enqueue_lines(settings: Settings, source: str, *, park: bool, as_json: bool) -> None:
    told: Counter[str] = Counter()

    def tell(created: list[Task]) -> None:
        told.update(task.conflict or "created" for task in created)
        if errors.is_terminal:
            errors.print(many(told.total(), "task"), style="dim")
        if not as_json and not out.is_terminal:
            say("\n".join(str(task.id) for task in created))

    total = run(
        settings,
        lambda database: lines_of_tasks.insert(
            database, lines_of_tasks.read(source), park=park, tell=tell
        ),
    )
    counts = {name.lower(): told[name] for name in ("created", *Conflict) if told[name]}
    if as_json:
        show_json({"tasks": total, **counts})
    elif out.is_terminal:
        words = ", ".join(f"{number:,} {name}" for name, number in counts.items())
        say(f"{many(total, 'task')}: {words}." if total else "There are no lines.")


def read_payload(text: str) -> orjson.Fragment:
    """The JSON as it was typed: numbers keep all their digits. Raises InvalidArgument."""
    given = _read_stdin() if text == "-" else text
    try:
        orjson.loads(given)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument(
            f"the payload is no JSON: {error}.",
            hint="NaN and infinities are none either. In a shell, quote it:"
            """ rowbell enqueue echo '{"hello": "world"}'""",
            field="payload",
        ) from None
    return orjson.Fragment(given)


def _read_stdin() -> bytes:
    """Blanks may make the text longer than what is kept of it; there is an end to that, too."""
    given = sys.stdin.buffer.read(TEXT_BYTES + 1)
    if len(given) > TEXT_BYTES:
        raise InvalidArgument(
            f"the payload has more than {TEXT_BYTES} bytes, the limit is {LIMIT_BYTES}.",
            hint="A task carries keys and ids: keep the file elsewhere, and put its key into the"
            " payload.",
            field="payload",
        )
    return given


def _show(task: Task, *, as_json: bool) -> None:
    if as_json:
        show_json(task)
    elif out.is_terminal:
        kept = f" ({task.conflict.lower()}: it was open)" if task.conflict else ""
        text = status_text(task.status)
        say(text.append(f"  task {task.id}: {task.kind} in queue {task.queue}{kept}", "default"))
        say(f"rowbell show {task.id} tells what became of it.")
    else:
        say(str(task.id))
