"""`rowbell enqueue`: insert a task."""

import difflib
import sys
from typing import Annotated

import orjson
import typer

from rowbell.cli import settings as options
from rowbell.cli.durations import read_duration, read_instant
from rowbell.cli.screen import out, say, show_json, status_text
from rowbell.cli.session import run
from rowbell.db import overview, tasks
from rowbell.db.pool import Database
from rowbell.errors import InvalidArgument
from rowbell.logs import log
from rowbell.task import LIMIT_BYTES, NewTask, Task

NAMED_AT_MOST = 30
TEXT_BYTES = 1_048_576
"""As much as a request to the API may have."""


def enqueue(
    *,
    kind: Annotated[str, typer.Argument(help="What to do, for example echo.")],
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
    audience: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Who else may see it; may be repeated.")
    ] = None,
    park: Annotated[
        bool, typer.Option("--park", help="Even if no worker has ever known the kind.")
    ] = False,
    as_json: options.AsJson = False,
    database_url: options.DatabaseUrl = None,
    home: options.Home = None,
    log_level: options.LogLevel = None,
) -> None:
    """Insert a task. Piped, it prints the id alone: id=$(rowbell enqueue echo)."""
    if run_in and run_at:
        raise InvalidArgument("--in and --at say two things.", hint="Give one of them.")
    settings = options.load_quietly(database_url, home, log_level)
    new = NewTask(
        kind=kind,
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
    )

    async def insert(database: Database) -> Task:
        if not park:
            await _refuse_unknown(database, kind)
        return await tasks.create(database, new)

    task = run(settings, insert)
    log.info("task.created", task=task.id, kind=task.kind, queue=task.queue)
    _show(task, as_json=as_json)


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


async def _refuse_unknown(database: Database, kind: str) -> None:
    """A person is there to hear of a typing error. SQL may insert any kind; so may --park."""
    # echo is always known, so that the first command after the installation works.
    known = sorted({NewTask().kind, *await overview.known_kinds(database)})
    if kind in known:
        return
    close = difflib.get_close_matches(kind, known, n=1)
    more = f" and {len(known) - NAMED_AT_MOST} more" if len(known) > NAMED_AT_MOST else ""
    raise InvalidArgument(
        f"no worker has ever registered the kind {kind[:80]!r}; known are"
        f" {', '.join(known[:NAMED_AT_MOST])}{more}.",
        hint=(f"Did you mean {close[0]}? " if close else "")
        + "Start a worker that has it (rowbell worker --handlers MODULE),"
        " or let the task wait for one: --park.",
        field="kind",
    )


def _show(task: Task, *, as_json: bool) -> None:
    if as_json:
        show_json(task)
    elif out.is_terminal:
        text = status_text(task.status)
        say(text.append(f"  task {task.id}: {task.kind} in queue {task.queue}", "default"))
        say(f"rowbell show {task.id} tells what became of it.")
    else:
        say(str(task.id))
