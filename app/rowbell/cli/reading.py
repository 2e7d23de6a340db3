"""`rowbell ls` and `rowbell show`: what became of tasks."""

from typing import Annotated

import typer

from rowbell.cli.command import short
from rowbell.cli.screen import out, say, show_json, show_table
from rowbell.cli.session import run
from rowbell.cli.sheet import COLUMNS, row, sheet
from rowbell.config import Settings
from rowbell.db import overview
from rowbell.db.pool import Database
from rowbell.errors import InvalidArgument, NotFound
from rowbell.task import Filter, Status, Task

LARGEST_ID = 2**63 - 1
MOST = 1_000


@short
def ls(
    settings: Settings,
    *,
    status: Annotated[
        list[str] | None, typer.Option(help="PENDING, PROCESSING, …; may be repeated.")
    ] = None,
    kind: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    queue: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many.")] = 20,
    before: Annotated[
        int | None,
        typer.Option(metavar="ID", min=1, max=LARGEST_ID, help="Only older ones: the next page."),
    ] = None,
    as_json: bool,
) -> None:
    """List tasks, newest first."""
    wanted = Filter(
        status=[read_status(each) for each in status] if status else None,
        kind=kind or None,
        queue=queue or None,
    )
    found = run(settings, lambda db: overview.tasks(db, wanted, limit=limit, before=before))
    if as_json:
        show_json(found)
    elif not found and out.is_terminal:
        say("There are no such tasks.")
    else:
        show_table(COLUMNS, [row(task) for task in found])


@short
def show(
    settings: Settings,
    *,
    task_id: Annotated[int, typer.Argument(metavar="ID", min=1, max=LARGEST_ID)],
    as_json: bool,
) -> None:
    """Show all of one task."""
    task, reasons = run(settings, lambda db: _look_at(db, task_id))
    if as_json:
        show_json(task)
    else:
        say(sheet(task, reasons))


@short
def explain(
    settings: Settings,
    *,
    task_id: Annotated[int, typer.Argument(metavar="ID", min=1, max=LARGEST_ID)],
    as_json: bool,
) -> None:
    """Say why a task is not running, or what it does instead."""
    _, reasons = run(settings, lambda db: _look_at(db, task_id))
    if as_json:
        show_json({"task": task_id, "reasons": reasons})
    else:
        say("\n".join(reasons))


async def _look_at(database: Database, task_id: int) -> tuple[Task, list[str]]:
    """The task, and why it is not running. Raises NotFound."""
    task = await overview.task(database, task_id)
    if task is None:
        raise NotFound(
            f"there is no task {task_id}.", hint="Finished tasks are deleted after the retention."
        )
    return task, await overview.explain(database, task_id)


def read_status(text: str) -> Status:
    """Raises InvalidArgument."""
    try:
        return Status(text.upper())
    except ValueError:
        raise InvalidArgument(
            f"no task can be {text!r}.", hint=f"It is one of {', '.join(Status)}."
        ) from None
