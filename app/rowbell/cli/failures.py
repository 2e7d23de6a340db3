"""`rowbell errors`: what fails, grouped by what the errors share."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from rowbell.cli.command import short
from rowbell.cli.durations import age
from rowbell.cli.screen import one_line, out, printable, say, show_json, show_table
from rowbell.cli.session import run
from rowbell.cli.stats import Window, read_window
from rowbell.config import Settings
from rowbell.db import error_groups
from rowbell.db.error_groups import ErrorFilter, ErrorGroup

COLUMNS = ("failures", "FAILED now", "last seen", "kind", "fingerprint", "error")
Names = list[str] | None


@short
def show_errors(
    settings: Settings,
    *,
    window: Window = "24h",
    kind: Annotated[Names, typer.Option(help="May be repeated.")] = None,
    queue: Annotated[Names, typer.Option(help="May be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many groups.")] = 20,
    as_json: bool,
) -> None:
    """List what fails, grouped: how often, since when, and how many tasks are FAILED for it.

    rowbell retry --fingerprint FINGERPRINT sends all of a group back.
    """
    wanted = ErrorFilter(window=read_window(window), kind=kind or None, queue=queue or None)
    found = run(settings, lambda db: error_groups.error_groups(db, wanted, most=limit))
    if as_json:
        show_json([asdict(group) for group in found])
    elif not found and out.is_terminal:
        say("Nothing has failed.")
    else:
        show_table(COLUMNS, [_row(group) for group in found])


def _row(group: ErrorGroup) -> list[Text | str]:
    more = "+" if group.failed_now >= error_groups.MOST_FAILED else ""
    return [
        f"{group.count:,}",
        Text(f"{group.failed_now:,}{more}", "bold red" if group.failed_now else "dim"),
        f"{age(group.last_seen_at)} ago",
        printable(group.kind),
        group.fingerprint,
        Text(f"{printable(group.error_type)}: {one_line(group.title)}", "red"),
    ]
