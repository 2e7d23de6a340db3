"""How a task that was waited for has ended: its result, or why there is none."""

import sys

import orjson
import typer

from rowbell.cli.errors import say as complain
from rowbell.cli.exit_codes import FAILED
from rowbell.cli.screen import out, say, show_json
from rowbell.cli.sheet import failure, sheet
from rowbell.errors import InvalidState
from rowbell.task import Status, Task


def show_outcome(task: Task, *, as_json: bool) -> None:
    """Print the result; a pipe gets it as one line of JSON. Exits with 1 unless COMPLETED."""
    if as_json:
        show_json(task)
    elif task.status is Status.COMPLETED and out.is_terminal:
        say(sheet(task))
    elif task.status is Status.COMPLETED:
        sys.stdout.write(orjson.dumps(task.result, option=orjson.OPT_APPEND_NEWLINE).decode())
    if task.status is not Status.COMPLETED:
        complain(_no_result(task))
        raise typer.Exit(FAILED)


def _no_result(task: Task) -> InvalidState:
    hint = f"rowbell show {task.id} tells more."
    if not task.status.is_final:
        return InvalidState(
            f"task {task.id} is {task.status} still: it goes on without you.", hint=hint
        )
    reason = f": {failure(task.error)}" if task.error and task.status is Status.FAILED else ""
    return InvalidState(f"task {task.id} is {task.status}{reason}.", hint=hint)
