"""`rowbell schedules`: what recurs, when it runs next, and how the last run ended."""

from datetime import datetime
from zoneinfo import ZoneInfo

from rich.text import Text

from rowbell.cli.command import short
from rowbell.cli.durations import age, in_words
from rowbell.cli.screen import one_line, out, printable, say, show_json, show_table, status_text
from rowbell.cli.session import run
from rowbell.config import Settings
from rowbell.db import schedules as db
from rowbell.db.schedules import Line

COLUMNS = ("name", "kind", "when", "state", "next run", "last run", "remark")
STATE_STYLES = {"active": "green", "paused": "yellow", "new": "yellow"}


@short
def schedules(
    settings: Settings,
    *,
    as_json: bool,
) -> None:
    """List recurring tasks: when each runs next, and how its last task ended."""
    found = run(settings, db.lines)
    if as_json:
        show_json(found)
    elif not found and out.is_terminal:
        say("There are no schedules. rowbell schedule add --help tells how to make one.")
    else:
        show_table(COLUMNS, [_row(line) for line in found])


def _row(line: Line) -> list[Text | str]:
    return [
        line.name,
        line.kind,
        printable(when(line)),
        Text(line.state, STATE_STYLES.get(line.state, "bold red")),
        local(line.next_run_at, line.time_zone) if line.next_run_at else "",
        _last(line),
        _remark(line),
    ]


def when(line: Line) -> str:
    """Its times, in a few words."""
    if line.every is not None:
        return f"every {in_words(line.every)}"
    zone = "" if line.time_zone == "UTC" else f" {line.time_zone}"
    return f"{line.cron}{zone}"


def local(instant: datetime, time_zone: str) -> str:
    """What the clocks of the zone show; in UTC if this machine does not know the zone."""
    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, OSError, ValueError):
        zone = ZoneInfo("UTC")
    shown = instant.astimezone(zone)
    seconds = ":%S" if shown.second else ""
    return f"{shown:%a %Y-%m-%d %H:%M{seconds} %z}"


def _last(line: Line) -> Text | str:
    if line.last_run_at is None:
        return ""
    ago = f"{age(line.last_run_at)} ago"
    return Text.assemble(status_text(line.last_status), f" {ago}") if line.last_status else ago


def _remark(line: Line) -> Text:
    """Why it does not run, or what went wrong, and what it is for."""
    words = line.problem or (line.last_error if line.last_status == "FAILED" else None)
    text = Text(one_line(words) + " " if words else "", "red")
    if line.paused_by:
        text.append(f"paused by {printable(line.paused_by)} ", "yellow")
    text.append(one_line(line.description or ""), "default")
    text.rstrip()
    return text
