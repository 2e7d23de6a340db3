"""`rowbell cancel`, `retry`, `pause` and `resume`: what a person changes by hand."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from rowbell.cli import bulk
from rowbell.cli.command import short
from rowbell.cli.errors import exit_code
from rowbell.cli.errors import say as complain
from rowbell.cli.reading import read_status
from rowbell.cli.screen import say, show_json, status_text
from rowbell.cli.session import run
from rowbell.config import Settings
from rowbell.db import tasks
from rowbell.db.pool import Database
from rowbell.errors import InvalidArgument, RowbellError, Unavailable
from rowbell.logs import log
from rowbell.task import NAME, Selection, Status, Task

Ids = Annotated[
    list[int] | None, typer.Argument(metavar="[ID]...", min=1, max=2**63 - 1, show_default=False)
]
Queue = Annotated[str, typer.Argument(metavar="QUEUE")]
Change = Callable[[Database, int], Awaitable[Task]]


@short
def cancel(
    settings: Settings,
    *,
    task_ids: Ids = None,
    kind: bulk.Kind = None,
    queue: bulk.Queue = None,
    error_type: bulk.ErrorType = None,
    created_by: bulk.CreatedBy = None,
    status: bulk.InStatus = None,
    since: Annotated[str | None, bulk.moment("Inserted since: 2h (ago), or an instant.")] = None,
    until: Annotated[str | None, bulk.moment("Inserted before: 2h (ago), or an instant.")] = None,
    everything: bulk.Everything = False,
    limit: bulk.Limit = bulk.MOST,
    dry_run: bulk.DryRun = False,
    yes: bulk.Yes = False,
    as_json: bool,
) -> None:
    """Cancel tasks: at once, or as soon as their handlers have stopped."""
    wanted = Selection(
        kind=kind or None,
        queue=queue or None,
        error_type=error_type or None,
        created_by=created_by or None,
        status=[read_status(each) for each in status] if status else None,
        created_after=bulk.read_moment(since),
        created_before=bulk.read_moment(until),
        everything=everything,
    )
    bulk.one_way(task_ids, wanted)
    if not task_ids:
        asked = bulk.Asked(wanted, limit=limit, dry_run=dry_run, yes=yes, as_json=as_json)
        bulk.change_selected(settings, bulk.CANCEL, asked)
        return
    changed, refused = run(settings, lambda db: _each(db, task_ids, tasks.cancel))
    for task in changed:
        log.info("task.cancelled", task=task.id, kind=task.kind, by="command")
    _tell(changed, refused, as_json=as_json)


@short
def retry(
    settings: Settings,
    *,
    task_ids: Ids = None,
    kind: bulk.Kind = None,
    queue: bulk.Queue = None,
    error_type: bulk.ErrorType = None,
    fingerprint: bulk.Fingerprint = None,
    created_by: bulk.CreatedBy = None,
    status: bulk.InStatus = None,
    since: Annotated[str | None, bulk.moment("Finished since: 2h (ago), or an instant.")] = None,
    until: Annotated[str | None, bulk.moment("Finished before: 2h (ago), or an instant.")] = None,
    everything: bulk.Everything = False,
    limit: bulk.Limit = bulk.MOST,
    dry_run: bulk.DryRun = False,
    yes: bulk.Yes = False,
    as_json: bool,
) -> None:
    """Send FAILED or CANCELLED tasks back, due now, with all their attempts.

    Without ids: FAILED ones, unless --status says otherwise.
    """
    wanted = Selection(
        kind=kind or None,
        queue=queue or None,
        error_type=error_type or None,
        error_fingerprint=fingerprint or None,
        created_by=created_by or None,
        status=[read_status(each) for each in status] if status else None,
        finished_after=bulk.read_moment(since),
        finished_before=bulk.read_moment(until),
        everything=everything,
    )
    bulk.one_way(task_ids, wanted)
    if not task_ids:
        asked = bulk.Asked(wanted, limit=limit, dry_run=dry_run, yes=yes, as_json=as_json)
        bulk.change_selected(settings, bulk.RETRY, asked)
        return
    changed, refused = run(settings, lambda db: _each(db, task_ids, tasks.retry))
    for task in changed:
        log.info("task.retried", task=task.id, kind=task.kind, by="command")
    _tell(changed, refused, as_json=as_json)


@short
def pause(
    settings: Settings,
    *,
    queue: Queue,
    as_json: bool,
) -> None:
    """Pause a queue: running tasks go on, no further one is claimed."""
    name = queue_name(queue)
    run(settings, lambda db: tasks.pause(db, name))
    log.info("queue.paused", queue=name, by="command")
    if as_json:
        show_json({"queue": name, "is_paused": True})
    else:
        say(f"Queue {name} is paused: running tasks go on, no further one is claimed.")


@short
def resume(
    settings: Settings,
    *,
    queue: Queue,
    as_json: bool,
) -> None:
    """Resume a paused queue: its due tasks start at once."""
    name = queue_name(queue)
    run(settings, lambda db: tasks.resume(db, name))
    log.info("queue.resumed", queue=name, by="command")
    if as_json:
        show_json({"queue": name, "is_paused": False})
    else:
        say(f"Queue {name} is not paused: its due tasks start at once.")


def queue_name(name: str) -> str:
    """Raises InvalidArgument."""
    if not NAME.fullmatch(name):
        raise InvalidArgument(
            f"no queue can be named {name[:80]!r}.",
            hint="Use a-z, 0-9 and _, at most 63 characters: reports_nightly.",
            field="queue",
        )
    return name


async def _each(
    database: Database, task_ids: list[int], change: Change
) -> tuple[list[Task], list[RowbellError]]:
    """The changed tasks and the refusals; one that is refused does not hold up the others."""
    changed: list[Task] = []
    refused: list[RowbellError] = []
    for task_id in task_ids:
        try:
            changed.append(await change(database, task_id))
        except Unavailable:
            raise
        except RowbellError as error:
            refused.append(error)
    return changed, refused


def _tell(changed: list[Task], refused: list[RowbellError], *, as_json: bool) -> None:
    if as_json:
        show_json(changed)
    else:
        for task in changed:
            waits = task.status is Status.PROCESSING and task.cancel_requested_at
            words = ", and will be CANCELLED as soon as its handler has stopped" if waits else ""
            text = status_text(task.status)
            say(text.append(f"  task {task.id}: {task.kind}{words}", "default"))
    for error in refused:
        complain(error)
    if refused:
        raise typer.Exit(max(exit_code(error) for error in refused))
