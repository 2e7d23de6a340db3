"""Durations and instants as people type and read them."""

import re
from datetime import datetime, timedelta

from rowbell.errors import InvalidArgument

_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,6})?"
_SHORT = re.compile(
    rf"(?=.)(?:(?P<weeks>{_NUMBER})w)?(?:(?P<days>{_NUMBER})d)?(?:(?P<hours>{_NUMBER})h)?"
    rf"(?:(?P<minutes>{_NUMBER})m)?(?:(?P<seconds>{_NUMBER})s)?(?:(?P<milliseconds>{_NUMBER})ms)?"
)
_ISO = re.compile(
    rf"P(?=.)(?:(?P<weeks>{_NUMBER})W)?(?:(?P<days>{_NUMBER})D)?"
    rf"(?:T(?=.)(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?(?:(?P<seconds>{_NUMBER})S)?)?"
)
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def read_duration(text: str) -> timedelta:
    """`90s`, `5m`, `1h30m`, `2d`, or ISO 8601: `PT5M`. Raises InvalidArgument."""
    match = _SHORT.fullmatch(text) or _ISO.fullmatch(text)
    try:
        if match:
            return timedelta(**{unit: float(n) for unit, n in match.groupdict().items() if n})
    except OverflowError:
        pass
    raise InvalidArgument(
        f"{text!r} is no duration.", hint="Write it like 90s, 5m, 1h30m, 2d or PT5M."
    )


def read_instant(text: str) -> datetime:
    """ISO 8601; without an offset it is local time. Raises InvalidArgument."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise InvalidArgument(
            f"{text!r} is no instant.",
            hint="Write it like 2026-11-21T19:02:00Z; without an offset it is local time.",
        ) from None


def as_iso(duration: timedelta) -> str:
    """ISO 8601 in seconds: `PT300S`."""
    return f"PT{duration.total_seconds():f}".rstrip("0").rstrip(".") + "S"


def in_words(duration: timedelta) -> str:
    """The two largest units that count: `1h 30m`, `4d`, `65ms`."""
    seconds = duration.total_seconds()
    if seconds < 1:
        return f"{max(seconds * 1_000, 0):.3g}ms"
    if seconds < 10:
        return f"{seconds:.3g}s"
    left = round(seconds)
    words: list[str] = []
    for unit, size in _UNITS:
        number, left = divmod(left, size)
        if number or words:
            words.append(f"{number}{unit}" if number else "")
    return " ".join(word for word in words[:2] if word)


def age(since: datetime) -> str:
    """How long ago, in the largest unit: `5m`. A clock that is behind the server's shows 0s."""
    seconds = max(0, int((datetime.now(since.tzinfo) - since).total_seconds()))
    unit, size = next(((u, s) for u, s in _UNITS if seconds >= s), ("s", 1))
    return f"{seconds // size}{unit}"
