"""What an attempt logs, kept for `rowbell.attempts`: the last lines, and not many."""

from datetime import UTC, datetime

import orjson

MOST_LINES = 100
MOST_BYTES = 16_384
LINE_CHARACTERS = 1_000


class Lines:
    """Keeps the last lines of one attempt; `add` from any thread."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def add(self, text: str, fields: dict[str, object]) -> None:
        values = {name: plain(value) for name, value in fields.items()}
        line = {"at": datetime.now(UTC).isoformat(), "text": fit(text, LINE_CHARACTERS), **values}
        self._lines.append(orjson.dumps(line))
        if len(self._lines) > 2 * MOST_LINES:
            del self._lines[:-MOST_LINES]

    def as_json(self) -> str | None:
        """A JSON array of the last lines; None if there are none."""
        if not self._lines:
            return None
        kept: list[bytes] = []
        room = MOST_BYTES
        for line in reversed(self._lines[-MOST_LINES:]):
            room -= len(line)
            if room < 0:
                break
            kept.append(line)
        return f"[{b','.join(reversed(kept)).decode()}]" if kept else None


def fit(text: str, most: int) -> str:
    """At most so many characters (negative: the last ones), fit for a JSON column."""
    cut = text[:most] if most > 0 else text[most:]
    return cut.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def plain(value: object) -> object:
    """What JSON has a form for as it is, and anything else as text."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    return fit(str(value), LINE_CHARACTERS)
