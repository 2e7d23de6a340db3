"""Faults that repeat: so many lines of one kind a minute, then how many more there were."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

WINDOW_SECONDS = 60.0
MOST_KINDS = 1_000
"""Of lines that are counted at once; beyond it the oldest windows are closed early."""
LIMITED = ("warning", "error", "critical")
KEYS = ("queue", "kind", "schedule", "library", "path", "by", "condition", "worker")
"""Fields that tell two faults of one event apart."""

Key = tuple[object, ...]


@dataclass(slots=True)
class _Window:
    began: float
    lines: int = 0


class Repeats:
    """Counts lines of warnings and errors, but for those of single tasks: each of them counts."""

    def __init__(self, most: int, now: Callable[[], float]) -> None:
        """`most` lines of one kind in a window; 0: all of them."""
        self._most = most
        self._now = now
        self._windows: dict[Key, _Window] = {}
        self._look_at = 0.0

    def is_too_many(self, event: Mapping[str, Any]) -> bool:
        """Count a line; True: it is one too many."""
        if not self._most or event["level"] not in LIMITED or event["event"].startswith("task."):
            return False
        key = (event["event"], *(event.get(name) for name in KEYS))
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Window(self._now())
        window.lines += 1
        return window.lines > self._most

    def ended(self) -> Iterator[dict[str, Any]]:
        """What was left out in the windows that have ended: each is told once."""
        now = self._now()
        if now < self._look_at and len(self._windows) < MOST_KINDS:
            return
        self._look_at = now + 1.0
        yield from self._close(now - WINDOW_SECONDS)

    def all(self) -> Iterator[dict[str, Any]]:
        """The same of every window: the process ends."""
        yield from self._close(self._now())

    def _close(self, until: float) -> Iterator[dict[str, Any]]:
        excess = len(self._windows) - MOST_KINDS
        for number, (key, window) in enumerate(list(self._windows.items())):
            if window.began > until and number > excess:
                continue
            del self._windows[key]
            if window.lines > self._most:
                fields = {n: v for n, v in zip(KEYS, key[1:], strict=True) if v is not None}
                yield {"of": key[0], "lines": window.lines - self._most, **fields}
