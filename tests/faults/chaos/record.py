"""Who ran what, and when: a line at the start of an attempt, and one at its end.

A file of the worker process, written by one `write` a line: it outlives the process, which SIGKILL
ends between two lines at the worst, and PostgreSQL, which has no part in it. The clock is the
machine's, and thus also PostgreSQL's.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDER = "CHAOS_RECORD"
"""The environment variable that tells handlers where to write."""


class Pen:
    """Writes the record of this process."""

    def __init__(self, folder: Path) -> None:
        path = folder / f"record-{os.getpid()}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @contextmanager
    def attempt(self, task: int, attempt: int, number: int, group: str) -> Iterator[None]:
        """Write the start, and the end with how it came: returned, raised, or the exception."""
        line = f"{task} {attempt} {number} {group or '-'}"
        self._write(f"begin {time.time():.6f} {line} -")
        how = "returned"
        try:
            yield
        except BaseException as error:
            how = type(error).__name__
            raise
        finally:
            self._write(f"end {time.time():.6f} {line} {how}")

    def _write(self, line: str) -> None:
        os.write(self._file, f"{line}\n".encode())


@dataclass(slots=True)
class Run:
    """One attempt, as its handler saw it. Times are seconds since 1970."""

    task: int
    attempt: int
    number: int
    """Of the row, as the producer counts."""
    group: str
    """The limit that it counts against; empty: none."""
    process: int
    began: float
    ended: float | None = None
    """None: its process was killed within."""
    how: str = ""


def read(folder: Path) -> list[Run]:
    """Every run of every process, in the order of their beginnings."""
    runs: list[Run] = []
    for path in folder.glob("record-*"):
        process = int(path.name.partition("-")[2])
        runs += _read_one(path.read_text().splitlines(), process)
    return sorted(runs, key=lambda run: run.began)


def _read_one(lines: list[str], process: int) -> list[Run]:
    runs: list[Run] = []
    running: dict[tuple[int, int], list[Run]] = {}
    for line in lines:
        what, at, task, attempt, number, group, how = line.split(" ")
        key = int(task), int(attempt)
        if what == "begin":
            run = Run(*key, int(number), group.strip("-"), process, float(at))
            runs.append(run)
            running.setdefault(key, []).append(run)
        else:
            run = running[key].pop(0)
            run.ended, run.how = float(at), how
    return runs
