"""`rowbell stats`: what happened within a time, and how it went up and down."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer
from rich.text import Text

from rowbell.cli.command import short
from rowbell.cli.durations import in_words, read_duration
from rowbell.cli.screen import say, show_json
from rowbell.cli.session import run
from rowbell.config import Settings
from rowbell.db import history, stats
from rowbell.db.history import Step
from rowbell.db.pool import Database
from rowbell.db.stats import Histogram, Stats
from rowbell.errors import InvalidArgument

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=366)
BARS = "▁▂▃▄▅▆▇█"
WIDTH = 40
"""Letters of a sparkline at the most."""
EVENTS = ("created", "started", "completed", "failed", "retried", "cancelled", "lost")
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

Window = Annotated[str, typer.Option(metavar="DURATION", help="How far back: 15m, 1h, 7d.")]
Queue = Annotated[str | None, typer.Option(metavar="NAME", help="Of this queue alone.")]
Kind = Annotated[str | None, typer.Option(metavar="NAME", help="Of this kind alone.")]


@short
def show_stats(
    settings: Settings,
    *,
    window: Window = "1h",
    queue: Queue = None,
    kind: Kind = None,
    as_json: bool,
) -> None:
    """Say what happened lately: numbers, wait and run time, and a line for the ups and downs."""
    since = read_window(window)

    async def ask(database: Database) -> tuple[Stats, list[Step]]:
        found = await stats.stats(database, window=since, queue=queue, kind=kind)
        return found, await history.history(database, window=since, queue=queue, kind=kind)

    found, steps = run(settings, ask)
    if as_json:
        show_json(document(found))
        return
    for line in _lines(found, steps):
        say(line)


def read_window(text: str) -> timedelta:
    """Raises InvalidArgument."""
    window = read_duration(text)
    if not SHORTEST <= window <= LONGEST:
        raise InvalidArgument(f"the window is {text}.", hint="Use 1m to 366d.", field="window")
    return window


def document(found: Stats) -> dict[str, object]:
    """As JSON: counts, and percentiles in seconds."""
    values = asdict(found)
    values["throughput"] = found.completed / found.window.total_seconds()
    for name, histogram in (("waits", found.waits), ("runs", found.runs)):
        del values[name]
        values[f"{name[:-1]}_seconds"] = percentiles(histogram)
    return values


def percentiles(histogram: Histogram) -> dict[str, float] | None:
    if not any(histogram.counts):
        return None
    return {name: round(histogram.percentile(share), 6) for name, share in SHARES.items()}


def sparkline(values: list[int]) -> str:
    """A letter a value, the highest is the full block; nothing where nothing happened."""
    most = max(values, default=0)
    if not most:
        return ""
    top = len(BARS) - 1
    return "".join(BARS[-(-value * top // most)] if value else " " for value in values)


def squeezed(steps: list[Step], name: str, window: timedelta) -> list[int]:
    """At most WIDTH sums over the whole window, what is not in a step being nothing."""
    if not steps:
        return []
    last = steps[-1].at + timedelta(seconds=steps[-1].seconds)
    sums = [0] * min(WIDTH, max(1, int(window.total_seconds() // steps[0].seconds)))
    for step in steps:
        back = (last - step.at) / window
        place = len(sums) - int(back * len(sums))
        sums[min(max(place, 0), len(sums) - 1)] += int(getattr(step, name))
    return sums


def _lines(found: Stats, steps: list[Step]) -> Iterator[Text | str]:
    seconds = found.window.total_seconds()
    for name in EVENTS:
        count = getattr(found, name)
        text = Text(f"{name:10}", "dim").append(f"{count:>12,}", "default")
        text.append(f"{count / seconds:>11,.2f}/s  ", "dim" if not count else "default")
        text.append(sparkline(squeezed(steps, name, found.window)), "cyan")
        text.rstrip()
        yield text
    yield Text(f"{'open':10}", "dim").append(
        f"{found.pending:>12,} pending, {found.processing:,} processing", "default"
    )
    for name, histogram in (("wait", found.waits), ("run", found.runs)):
        told = percentiles(histogram)
        words = "  ".join(
            f"{share} {in_words(timedelta(seconds=value))}" for share, value in (told or {}).items()
        )
        yield Text(f"{name:10}", "dim").append(f"  {words or 'nothing to measure'}", "default")
