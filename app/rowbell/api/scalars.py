"""The scalars of the schema: what a client may send, and how values leave."""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from ariadne import ScalarType
from graphql import GraphQLError

DEEPEST = 200
"""Levels of a JSON value; orjson writes 254, of which an answer needs some around it."""

LONGEST = timedelta(days=200 * 365)

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_DURATION = re.compile(
    r"P(?=.)(?:(?P<weeks>[0-9]{1,9})W)?(?:(?P<days>[0-9]{1,9})D)?"
    r"(?:T(?=.)(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?"
    r"(?:(?P<seconds>[0-9]{1,12}(?:\.[0-9]{1,6})?)S)?)?"
)


class BadValue(GraphQLError):
    """A value that its scalar refuses."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, extensions={"code": "BAD_USER_INPUT"})


def read_instant(value: object) -> datetime:
    """Raises BadValue."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise BadValue(
            "A DateTime is RFC 3339 with an offset, for example 2026-11-21T19:02:41.120Z."
        )
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValue(f"{value} is no instant of the calendar: check its numbers.") from None


def write_instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_duration(value: object) -> timedelta:
    """Raises BadValue."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise BadValue("A Duration is ISO 8601 of weeks to seconds, for example PT1H30M or P2D.")
    parts = {name: float(number) for name, number in match.groupdict().items() if number}
    try:
        duration = timedelta(**parts)
    except OverflowError:
        duration = timedelta.max
    if duration > LONGEST:
        raise BadValue("A Duration is 200 years at the most.")
    return duration


def write_duration(value: timedelta) -> str:
    """ISO 8601 in seconds: `PT900S`."""
    return f"PT{value.total_seconds():f}".rstrip("0").rstrip(".") + "S"


def read_json(value: Any) -> Any:
    """The value unchanged. Raises BadValue if PostgreSQL could not keep it as it is."""
    for part in _parts(value):
        problem = problem_of(part)
        if problem:
            raise BadValue(f"This is no JSON that can be kept: {problem}")
    return value


def write_json(value: Any) -> orjson.Fragment:
    """Written here, not with the answer around it, so that an odd value costs its field only."""
    try:
        text = orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise GraphQLError(
            "This JSON value is nested too deeply for the API: read it with SQL.",
            extensions={"code": "VALUE_TOO_DEEP"},
        ) from None
    return orjson.Fragment(text)


def read_cursor(value: object) -> str:
    """Raises BadValue; what the cursor says is checked by the list that it belongs to."""
    if not isinstance(value, str):
        raise BadValue("A Cursor is a text that a list gave: pass it unchanged.")
    return value


def problem_of(part: object) -> str:
    """What keeps a single value out of PostgreSQL, as a sentence; empty if nothing does."""
    if isinstance(part, str):
        return problem_of_text(part)
    if isinstance(part, float) and not math.isfinite(part):
        return "NaN and infinities are no JSON; send null, or a text."
    if isinstance(part, int) and not -(2**63) <= part < 2**64:
        return "a number is beyond 64 bits; send it as a text."
    return ""


def problem_of_text(text: str) -> str:
    if "\0" in text:
        return "text cannot hold NUL in PostgreSQL; remove it."
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "text holds a lone surrogate; send valid Unicode."
    return ""


def _parts(value: Any) -> Iterator[Any]:
    """Every key and value at any level, without recursion: depth is the client's choice."""
    level = [value]
    for _ in range(DEEPEST + 1):
        below: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                yield from part
                below.extend(part.values())
            elif isinstance(part, list):
                below.extend(part)
            else:
                yield part
        if not below:
            return
        level = below
    raise BadValue(f"This JSON value is nested too deeply: {DEEPEST} levels are the most.")


SCALARS = [
    ScalarType("DateTime", serializer=write_instant, value_parser=read_instant),
    ScalarType("Duration", serializer=write_duration, value_parser=read_duration),
    ScalarType("JSON", serializer=write_json, value_parser=read_json),
    ScalarType("Cursor", value_parser=read_cursor),
]
