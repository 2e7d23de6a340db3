"""What a command prints: sentences, tables and JSON; plain and unwrapped when it is piped."""

import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import orjson
from rich.console import Console
from rich.text import Text

from rowbell.cli.durations import as_iso

out = Console(highlight=False, markup=False, emoji=False)
errors = Console(highlight=False, markup=False, emoji=False, stderr=True)

STATUS_STYLES = {
    "PENDING": "yellow",
    "PROCESSING": "cyan",
    "COMPLETED": "green",
    "FAILED": "bold red",
    "CANCELLED": "bright_black",
}


def say(sentence: str | Text) -> None:
    """Print a line as it is: the terminal may wrap it, a pipe must not find it broken."""
    out.print(sentence, soft_wrap=True)


def show_json(value: Any) -> None:
    """Print one JSON document."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
    sys.stdout.write(orjson.dumps(value, default=_interval, option=options).decode())


def _interval(value: object) -> str:
    if isinstance(value, timedelta):
        return as_iso(value)
    raise TypeError


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Text | str]]) -> None:
    """Print rows below their headings, cut at the edge of a terminal but never for a pipe.

    By hand: rich would take the room for a long last column from the ids beside it.
    """
    head = [Text(column, "bold") for column in columns]
    body = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    widths = [max(cell.cell_len for cell in column) for column in zip(head, *body, strict=True)]
    for row in (head, *body):
        for cell, width in zip(row[:-1], widths, strict=False):
            cell.pad_right(width - cell.cell_len)
        line = Text("  ").join(row)
        if out.is_terminal:
            line.truncate(out.width, overflow="ellipsis")
        else:
            line.rstrip()
        say(line)


def status_text(status: str) -> Text:
    return Text(status, STATUS_STYLES.get(status, ""))


def printable(text: str) -> str:
    """The text without what would steer a terminal; whoever may insert a row may write it."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )


def one_line(text: str) -> str:
    return " ".join(printable(text).split())
