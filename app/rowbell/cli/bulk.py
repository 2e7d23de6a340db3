"""Many tasks by conditions: what `rowbell retry` and `rowbell cancel` do without ids."""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from rowbell.cli.durations import read_duration, read_instant
from rowbell.cli.screen import say, show_json
from rowbell.cli.session import run
from rowbell.config import Settings
from rowbell.db import bulk
from rowbell.db.pool import Database
from rowbell.errors import InvalidArgument
from rowbell.logs import log
from rowbell.number import many
from rowbell.task import Changes, Selection

CHUNK = 1_000
"""Tasks of one transaction: what it has locked waits no longer than that takes."""

PANEL = "Instead of ids: which tasks"
Texts = list[str] | None


def _condition(words: str, metavar: str = "NAME") -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        metavar=metavar, help=words, rich_help_panel=PANEL
    )
    return option


Kind = Annotated[Texts, _condition("Of this kind; may be repeated.")]
Queue = Annotated[Texts, _condition("Of this queue; may be repeated.")]
ErrorType = Annotated[Texts, _condition("Whose last failure was this exception; may be repeated.")]
Fingerprint = Annotated[
    Texts, _condition("Of this group of `rowbell errors`; may be repeated.", "TEXT")
]
CreatedBy = Annotated[Texts, _condition("Inserted by this role or subject; may be repeated.")]
InStatus = Annotated[Texts, _condition("In this status; may be repeated.", "STATUS")]
Everything = Annotated[
    bool, typer.Option("--everything", help="All of them.", rich_help_panel=PANEL)
]
Limit = Annotated[
    int, typer.Option(min=1, max=1_000_000, help="At most so many.", rich_help_panel=PANEL)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count.", rich_help_panel=PANEL)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nobody.", rich_help_panel=PANEL)]

MOST = bulk.MOST


def moment(words: str) -> typer.models.OptionInfo:
    return _condition(words, "TIME")


Change = Callable[..., Awaitable[Changes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person has typed."""

    wanted: Selection = field(kw_only=False)
    limit: int
    dry_run: bool
    yes: bool
    as_json: bool


@dataclass(frozen=True, slots=True)
class Verb:
    """What to do to each task of a selection."""

    change: Change
    event: str
    infinitive: str
    past: str


RETRY = Verb(bulk.retry_where, "tasks.retried", "Retry", "sent back to PENDING")
CANCEL = Verb(bulk.cancel_where, "tasks.cancelled", "Cancel", "cancelled, or will be soon")


def change_selected(settings: Settings, verb: Verb, asked: Asked) -> None:
    """Ask, change in transactions of CHUNK, and tell. Raises InvalidArgument."""
    if not (asked.dry_run or asked.yes):
        _confirm(settings, verb, asked)
    if asked.dry_run:
        done = _counted(settings, verb, asked)
    else:
        done = run(settings, lambda db: _in_chunks(db, verb.change, asked))
    if done.changed:
        log.info(verb.event, tasks=done.changed, by="command")
    if asked.as_json:
        show_json(done)
    else:
        _tell(done, verb, dry_run=asked.dry_run)


def read_moment(text: str | None) -> datetime | None:
    """An instant, or how long ago: `2h`. Raises InvalidArgument."""
    if text is None:
        return None
    try:
        return datetime.now(UTC) - read_duration(text)
    except (InvalidArgument, OverflowError):
        return read_instant(text)


def _confirm(settings: Settings, verb: Verb, asked: Asked) -> None:
    if not sys.stdin.isatty():
        raise InvalidArgument(
            "nobody is there to confirm this.", hint="Add --yes, or --dry-run to see what matches."
        )
    found = _counted(settings, verb, asked)
    if not found.matched:
        return
    tasks = f"{found.matched:,} or more tasks" if found.has_more else many(found.matched, "task")
    if not typer.confirm(f"{verb.infinitive} {tasks}?", err=True):
        say("Nothing was changed.")
        raise typer.Exit(1)


def _counted(settings: Settings, verb: Verb, asked: Asked) -> Changes:
    most = min(asked.limit, bulk.MOST)
    return run(settings, lambda db: _once(db, verb.change, asked.wanted, most, dry_run=True))


async def _once(
    database: Database, change: Change, wanted: Selection, most: int, *, dry_run: bool
) -> Changes:
    return await change(database, wanted, most=most, dry_run=dry_run)


async def _in_chunks(database: Database, change: Change, asked: Asked) -> Changes:
    """All calls together. A call that changes nothing is the last: what it met is in the way."""
    total = last = await _once(
        database, change, asked.wanted, min(CHUNK, asked.limit), dry_run=False
    )
    while last.has_more and last.changed and total.changed < asked.limit:
        most = min(CHUNK, asked.limit - total.changed)
        last = await _once(database, change, asked.wanted, most, dry_run=False)
        total = replace(
            last,
            matched=total.changed + last.matched,
            changed=total.changed + last.changed,
            sample=total.sample,
        )
    return total


def _tell(done: Changes, verb: Verb, *, dry_run: bool) -> None:
    more = " There are more." if done.has_more else ""
    some = f" For example {', '.join(map(str, done.sample))}." if done.sample else ""
    if dry_run:
        say(f"{many(done.matched, 'task matches', 'tasks match')}.{more}{some}")
    else:
        were = "was" if done.changed == 1 else "were"
        say(f"{done.changed:,} of {many(done.matched, 'task')} {were} {verb.past}.{more}{some}")
    if done.key_taken:
        has = "has a unique key" if done.key_taken == 1 else "have unique keys"
        say(f"{done.key_taken:,} {has} that an open task has: nothing is changed there.")


def is_empty(wanted: Selection) -> bool:
    """True if it has no condition; a status by itself is none."""
    return wanted == Selection(status=wanted.status)


def one_way(task_ids: list[int] | None, wanted: Selection) -> None:
    """Raises InvalidArgument unless there are either ids or conditions."""
    if task_ids and not (is_empty(wanted) and wanted.status is None):
        raise InvalidArgument("ids and conditions say two things.", hint="Give one of them.")
    if not task_ids and is_empty(wanted):
        raise InvalidArgument(
            "nothing says which tasks.",
            hint="Give ids, or conditions such as --kind or --since, or --everything.",
        )
