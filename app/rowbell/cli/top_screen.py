"""How `rowbell top` looks: whole lines, cut to the terminal; the same as plain tables in a pipe."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import orjson
from rich.console import ConsoleDimensions
from rich.text import Text

from rowbell.cli.durations import in_words
from rowbell.cli.screen import one_line, printable, say, show_table
from rowbell.db.queues import QueueLine
from rowbell.db.roster import Running, WorkerLine
from rowbell.db.summary import Summary
from rowbell.number import many

Row = Sequence[Text | str]

QUEUES = ("queue", "due", "running", "later", "oldest", "done/s", "limits")
WORKERS = ("worker", "host", "state", "busy", "beat", "on duty", "queues")
RUNNING = ("task", "kind", "worker", "attempt", "for", "progress", "description")


@dataclass(slots=True, kw_only=True)
class Seen:
    """One look."""

    summary: Summary
    queues: list[QueueLine]
    workers: list[WorkerLine]
    problem: str = ""
    """Why it is no newer."""


def printed(seen: Seen) -> None:
    """Once, for a pipe."""
    say(_head(seen))
    for columns, rows in _tables(seen):
        say("")
        show_table(columns, rows)


def drawn(seen: Seen, size: ConsoleDimensions) -> Text:
    """A whole screen: each table gets its share of the lines, and says what it leaves out."""
    lines = [_head(seen)]
    tables = _tables(seen)
    room = size.height - 2 - 2 * len(tables)  # without headings and blank lines
    for number, (columns, rows) in enumerate(tables):
        share = max(1, room // (len(tables) - number))
        shown = rows if len(rows) <= share else rows[: share - 1]
        lines += [Text(), *_aligned(columns, shown)]
        if len(shown) < len(rows):
            lines.append(Text(f"… {len(rows) - len(shown):,} more", "dim"))
        room -= min(len(rows), share)
    lines = lines[: size.height - 1]
    lines += [Text() for _ in range(size.height - 1 - len(lines))]
    lines.append(Text(seen.problem or "q ends it", "bold red" if seen.problem else "dim"))
    for line in lines:
        line.truncate(size.width, overflow="ellipsis")
    return Text("\n").join(lines)


def _tables(seen: Seen) -> list[tuple[Sequence[str], list[Row]]]:
    running = [task for worker in seen.workers for task in worker.running]
    running.sort(key=lambda task: -task.seconds)
    return [
        (QUEUES, [_queue(each) for each in seen.queues]),
        (WORKERS, [_worker(each) for each in seen.workers]),
        (RUNNING, [_running(each) for each in running]),
    ]


def _head(seen: Seen) -> Text:
    counts = orjson.loads(seen.summary.counts or "{}")
    done = sum(queue.throughput for queue in seen.queues)
    text = Text(f"{seen.summary.at.astimezone():%H:%M:%S}  ", "dim")
    for status, style in (("PENDING", "yellow"), ("PROCESSING", "cyan"), ("FAILED", "red")):
        text.append(f"{counts.get(status, 0):,} {status}  ", style)
    text.append(f"{done:,.1f} done/s  ", "green")
    text.append(
        f"{many(seen.summary.workers, 'worker')},"
        f" {seen.summary.busy}/{many(seen.summary.slots, 'slot')}",
        "default",
    )
    return text


def _queue(line: QueueLine) -> Row:
    capped = "+" if line.is_capped else ""
    limits = [
        "paused" if line.paused_at else "",
        f"{line.max_running} at once" if line.max_running is not None else "",
        f"{line.rate:g}/s" if line.rate is not None else "",
    ]
    oldest = line.oldest_due_seconds
    return [
        Text(line.name, "yellow" if line.paused_at else ""),
        f"{line.due:,}{capped}",
        f"{line.processing:,}",
        f"{line.scheduled + line.held:,}{capped}",
        "" if oldest is None or oldest <= 0 else in_words(timedelta(seconds=oldest)),
        f"{line.throughput:,.1f}",
        ", ".join(filter(None, limits)),
    ]


def _worker(line: WorkerLine) -> Row:
    style = "green" if line.state == "running" else "bold red"
    return [
        str(line.id),
        printable(f"{line.host}:{line.pid}"),
        Text(line.state, style),
        f"{line.busy}/{line.slots}",
        in_words(timedelta(seconds=round(line.silent_seconds, 1))),
        "yes" if line.on_duty_for else "",
        printable(" ".join(line.queues)),
    ]


def _running(task: Running) -> Row:
    state = "cancelling " if task.cancel_requested else ""
    return [
        str(task.task_id),
        printable(task.kind),
        str(task.worker),
        str(task.attempt),
        in_words(timedelta(seconds=task.seconds)),
        "" if task.progress is None else f"{task.progress:.0%}",
        Text(state, "yellow").append(one_line(task.description or ""), "default"),
    ]


def _aligned(columns: Sequence[str], rows: Sequence[Row]) -> list[Text]:
    cells = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    table = [[Text(column, "bold") for column in columns], *cells]
    widths = [max(cell.cell_len for cell in column) for column in zip(*table, strict=True)]
    for row in table:
        for cell, width in zip(row[:-1], widths, strict=False):
            cell.pad_right(width - cell.cell_len)
    return [Text("  ").join(row) for row in table]
