"""`rowbell ls` and `rowbell show`: what became of tasks."""

from typing import Annotated

import typer

from rowbell.cli.bulk import read_moment
from rowbell.cli.command import short
from rowbell.cli.screen import errors, out, say, show_json, show_table
from rowbell.cli.session import run
from rowbell.cli.sheet import COLUMNS, row, sheet
from rowbell.config import Settings
from rowbell.db import lists, overview
from rowbell.db.lists import Listing
from rowbell.db.pool import Database
from rowbell.errors import InvalidArgument, NotFound
from rowbell.task import Filter, Status, Task

LARGEST_ID = 2**63 - 1
MOST = 1_000


@short
def ls(
    settings: Settings,
    *,
    ids: Annotated[
        list[int] | None,
        typer.Option("--id", min=1, max=LARGEST_ID, help="These; may be repeated."),
    ] = None,
    status: Annotated[
        list[str] | None, typer.Option(help="PENDING, PROCESSING, …; may be repeated.")
    ] = None,
    kind: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    queue: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    error_type: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Whose last failure was this; may be repeated."),
    ] = None,
    created_by: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Inserted by this role or subject; may be repeated."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Inserted since: 2h (ago), or an instant.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Inserted before: 2h (ago), or an instant.")
    ] = None,
    finished_since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Finished since; the last finished first.")
    ] = None,
    finished_until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Finished before; the last finished first.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(help="In the payload or the description, whatever its case."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many.")] = 20,
    before: Annotated[
        int | None,
        typer.Option(metavar="ID", min=1, max=LARGEST_ID, help="Only older ones: the next page."),
    ] = None,
    as_json: bool,
) -> None:
    """List tasks, the last inserted first.

    Text, exceptions and some combinations are looked for in 10,000 tasks of those that the other
    conditions leave; --before goes on from there.
    """
    wanted = Filter(
        ids=ids or None,
        status=[read_status(each) for each in status] if status else None,
        kind=kind or None,
        queue=queue or None,
        error_type=error_type or None,
        created_by=created_by or None,
        created_after=read_moment(since),
        created_before=read_moment(until),
        finished_after=read_moment(finished_since),
        finished_before=read_moment(finished_until),
        text=text or None,
    )
    found = run(settings, lambda db: _listed(db, wanted, limit, before))
    if as_json:
        show_json(found.tasks)
    elif found.tasks:
        show_table(COLUMNS, [row(task) for task in found.tasks])
    elif out.is_terminal and found.searched_all:
        say("There are no such tasks.")
    if not found.searched_all and found.reached:
        errors.print(
            f"Not all tasks were looked at. Go on with --before {found.reached.id}.", soft_wrap=True
        )


async def _listed(database: Database, wanted: Filter, limit: int, before: int | None) -> Listing:
    after = None
    if before is not None:
        after = await lists.place_of(database, before, by_finish=wanted.is_by_finish)
    return await lists.page(database, wanted, size=limit, after=after)


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
