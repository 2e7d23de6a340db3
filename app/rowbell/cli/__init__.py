"""The command line: what a person types.

Only what `--help` needs is imported at the top: the server and the bench load when they are run.
"""

import sys

import typer
from typer.completion import completion_init  # type: ignore[attr-defined]

from rowbell.cli import (
    changes,
    completion,
    enqueue,
    failures,
    migrate,
    psql,
    reading,
    schedules,
    serve,
    stats,
    top,
    watch,
)
from rowbell.cli.bench.commands import app as bench
from rowbell.cli.doctor.command import doctor
from rowbell.cli.errors import report
from rowbell.cli.limit import app as limit
from rowbell.cli.schedule import app as schedule
from rowbell.cli.settings import epilog
from rowbell.cli.token import app as token
from rowbell.errors import RowbellError

SERVING, TASKS, INSIGHT, DATABASE = "Serving", "Tasks", "Insight", "Database and shell"

app = typer.Typer(
    name="rowbell",
    help="Rowbell, a task service on PostgreSQL: insert a row, and it runs. Now.",
    epilog=epilog(),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for panel, name, function in (
    (SERVING, "serve", serve.serve),
    (SERVING, "api", serve.api),
    (SERVING, "worker", serve.worker),
    (TASKS, "enqueue", enqueue.enqueue),
    (TASKS, "ls", reading.ls),
    (TASKS, "show", reading.show),
    (TASKS, "explain", reading.explain),
    (TASKS, "watch", watch.watch),
    (TASKS, "cancel", changes.cancel),
    (TASKS, "retry", changes.retry),
    (TASKS, "pause", changes.pause),
    (TASKS, "resume", changes.resume),
    (TASKS, "schedules", schedules.schedules),
    (INSIGHT, "top", top.top),
    (INSIGHT, "stats", stats.show_stats),
    (INSIGHT, "errors", failures.show_errors),
    (DATABASE, "migrate", migrate.migrate),
    (DATABASE, "completion", completion.completion),
    (DATABASE, "doctor", doctor),
):
    app.command(name, rich_help_panel=panel)(function)
app.command(
    "psql",
    rich_help_panel=DATABASE,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)(psql.psql)
app.add_typer(schedule, name="schedule", rich_help_panel=TASKS)
app.add_typer(limit, name="limit", rich_help_panel=TASKS)
app.add_typer(token, name="token", rich_help_panel=DATABASE)
app.add_typer(bench, name="bench", rich_help_panel=DATABASE)


def main() -> None:
    """The entry point of the command `rowbell`."""
    completion_init()
    try:
        app(prog_name="rowbell")
    except (RowbellError, BaseExceptionGroup) as error:
        sys.exit(report(error))
