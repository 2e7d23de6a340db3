"""`rowbell watch`: what happens to tasks, a line an event, as it happens."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Annotated

import orjson
import typer
from rich.text import Text

from rowbell.cli.command import short
from rowbell.cli.durations import in_words
from rowbell.cli.reading import LARGEST_ID, read_status
from rowbell.cli.screen import STATUS_STYLES, errors, one_line, say, status_text
from rowbell.cli.session import run
from rowbell.config import Settings
from rowbell.db import journal, overview
from rowbell.db.listener import Listener
from rowbell.db.pool import Database
from rowbell.errors import CursorExpired, NotFound, Unavailable
from rowbell.journal import Cursor, Entry, Event, Scope
from rowbell.task import Filter, Status, Task

PAGE = 1_000
SAFETY_SECONDS = 1.0
"""It looks this often even if nothing was heard: behind a pooler nothing is."""
Names = list[str] | None


@short
def watch(
    settings: Settings,
    *,
    task_ids: Annotated[
        list[int] | None, typer.Argument(metavar="[ID]...", min=1, max=LARGEST_ID)
    ] = None,
    kind: Annotated[Names, typer.Option(help="May be repeated.")] = None,
    queue: Annotated[Names, typer.Option(help="May be repeated.")] = None,
    status: Annotated[
        Names, typer.Option(help="Only what leads to it: FAILED; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document a line.")] = False,
) -> None:
    """Print what happens to tasks from now on, until Ctrl-C.

    With ids: until all of them are final; the exit code is 1 unless all are COMPLETED.
    """
    wanted = Filter(
        ids=task_ids or None,
        kind=kind or None,
        queue=queue or None,
        status=[read_status(each) for each in status] if status else None,
    )
    ends = run(settings, lambda database: _watch(database, settings, wanted, as_json=as_json))
    if any(each is not Status.COMPLETED for each in ends.values()):
        raise typer.Exit(1)


async def _watch(
    database: Database, settings: Settings, wanted: Filter, *, as_json: bool
) -> dict[int, Status]:
    """How the tasks that were named have ended. Raises NotFound, CursorExpired."""
    async with _changes(database, settings) as changed:
        cursor = await journal.now(database)
        ends = await _present(database, wanted.ids or [], as_json=as_json)
        while not (wanted.ids and len(ends) == len(set(wanted.ids))):
            changed.clear()
            cursor, entries = await _read(database, cursor, Scope.of([wanted]))
            for entry in entries:
                if entry.matches(wanted):
                    _tell(entry, as_json=as_json)
                _note(ends, entry, wanted)
            if cursor.upto is None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SAFETY_SECONDS):
                        await changed.wait()
    return ends


@asynccontextmanager
async def _changes(database: Database, settings: Settings) -> AsyncIterator[asyncio.Event]:
    """Set whenever something may have changed."""
    changed = asyncio.Event()
    listener = Listener(database.url, settings.probe_seconds, name="rowbell watch")
    listener.ears.changes = listener.ears.ready = changed.set
    listener.watch(True)
    running = asyncio.create_task(listener.run())
    try:
        yield changed
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _present(database: Database, ids: list[int], *, as_json: bool) -> dict[int, Status]:
    """Tell how the named tasks stand; returns those that are final. Raises NotFound."""
    found = await overview.tasks_by_id(database, ids) if ids else {}
    for task_id in ids:
        if task_id not in found:
            raise NotFound(f"there is no task {task_id}.", hint="rowbell ls lists the latest.")
        if not as_json:
            say(_line_of(found[task_id]))
    return {task.id: task.status for task in found.values() if task.status.is_final}


async def _read(
    database: Database, cursor: Cursor, within: Scope | None
) -> tuple[Cursor, list[Entry]]:
    """What is new; nothing while PostgreSQL does not answer. Raises CursorExpired."""
    try:
        page = await journal.read(database, cursor, most=PAGE, within=within)
    except CursorExpired:
        raise
    except Unavailable as error:
        errors.print(f"rowbell: {error.message} It is asked again.", style="dim", soft_wrap=True)
        return cursor, []
    return page.cursor, page.entries


def _note(ends: dict[int, Status], entry: Entry, wanted: Filter) -> None:
    if not wanted.ids or entry.task_id not in wanted.ids:
        return
    if entry.status is None:
        ends[entry.task_id] = entry.status_before or Status.CANCELLED
    elif entry.status.is_final:
        ends[entry.task_id] = entry.status
    else:
        ends.pop(entry.task_id, None)


def _tell(entry: Entry, *, as_json: bool) -> None:
    if as_json:
        document = orjson.dumps(entry, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
        sys.stdout.write(document.decode())
        sys.stdout.flush()
    else:
        say(_line(entry))


def _line(entry: Entry) -> Text:
    text = Text(f"{entry.at.astimezone():%H:%M:%S.%f}"[:-3], "dim")
    text.append(f"  {entry.task_id:>8}  ", "default")
    style = STATUS_STYLES.get(entry.status or "", "")
    text.append(f"{entry.event:16}", style)
    text.append(f"  {entry.kind} in {entry.queue}{_words(entry)}", "default")
    return text


def _words(entry: Entry) -> str:
    words = []
    if entry.attempt:
        words.append(f"attempt {entry.attempt}")
    if entry.event is Event.STARTED and entry.wait_seconds is not None:
        words.append(f"waited {_seconds(entry.wait_seconds)}")
    elif entry.run_seconds is not None:
        words.append(f"ran {_seconds(entry.run_seconds)}")
    for name, value in (entry.detail or {}).items():
        shown = " ".join(map(str, value)) if isinstance(value, list) else str(value)
        words.append(f"{name.replace('_', ' ')} {one_line(shown)}")
    by = entry.subject or entry.role
    if entry.event in (Event.CREATED, Event.CANCEL_REQUESTED, Event.CANCELLED, Event.REOPENED):
        words.append(f"by {one_line(by)}")
    return f": {', '.join(words)}" if words else ""


def _seconds(seconds: float) -> str:
    return in_words(timedelta(seconds=seconds))


def _line_of(task: Task) -> Text:
    text = Text(f"{'now':12}  {task.id:>8}  ", "dim")
    text.append_text(status_text(f"{task.status:16}"))
    return text.append(f"  {task.kind} in {task.queue}", "default")
