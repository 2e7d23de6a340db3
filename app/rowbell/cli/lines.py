"""`rowbell enqueue --lines FILE`: many tasks, each a JSON object on a line of its own."""

import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import orjson
from pydantic import TypeAdapter, ValidationError

from rowbell.cli.kinds import refuse_unknown
from rowbell.db import inserts
from rowbell.db.pool import Database
from rowbell.errors import InvalidArgument, RowbellError
from rowbell.number import many
from rowbell.task import NewTask, Task

NAMES = [field.name for field in dataclasses.fields(NewTask)]

_reader = TypeAdapter(NewTask)

Line = tuple[int, NewTask]


def read(source: str) -> Iterator[Line]:
    """The tasks of a file, or of stdin for `-`, with their line numbers. Raises InvalidArgument."""
    if source == "-":
        yield from _numbered(sys.stdin.buffer)
        return
    try:
        with Path(source).open("rb") as lines:
            yield from _numbered(lines)
    except OSError as error:
        raise InvalidArgument(
            f"{source} cannot be read: {error.strerror}.", hint="Give a file, or - for stdin."
        ) from None


async def insert(
    database: Database,
    lines: Iterator[Line],
    *,
    park: bool,
    tell: Callable[[list[Task]], None],
) -> int:
    """Insert them in transactions of inserts.MOST; `tell` hears of each. Returns how many.

    Raises what `inserts.create_all` raises; the sentence says what was inserted before.
    """
    done = 0
    try:
        while chunk := list(islice(lines, inserts.MOST)):
            news = [new for _, new in chunk]
            with _named(chunk):
                if not park:
                    await refuse_unknown(database, {new.kind for new in news})
                created = await inserts.create_all(database, news)
            done += len(created)
            tell(created)
    except RowbellError as error:
        error.message += (
            f" {many(done, 'task')} of the lines before {'was' if done == 1 else 'were'} inserted."
        )
        raise
    return done


@contextmanager
def _named(chunk: list[Line]) -> Iterator[None]:
    try:
        yield
    except RowbellError as error:
        error.message = f"lines {chunk[0][0]} to {chunk[-1][0]}: {error.message}"
        raise


def _numbered(lines: Iterable[bytes]) -> Iterator[Line]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, _task(number, line)


def _task(number: int, line: bytes) -> NewTask:
    try:
        given = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument(f"line {number} is no JSON: {error}.") from None
    if not isinstance(given, dict):
        raise InvalidArgument(
            f"line {number} is no object.", hint="""Write {"kind": "echo", "payload": {"a": 1}}."""
        )
    if unknown := [name for name in given if name not in NAMES]:
        raise InvalidArgument(
            f"line {number} has {unknown[0][:80]!r}, which no task has.",
            hint=f"Known are {', '.join(NAMES)}.",
        )
    try:
        return _reader.validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise InvalidArgument(f"line {number}: {where}: {first['msg']}.", field=where) from None
