"""Whether attempts are traced: only where rowbell[traces], OpenTelemetry's API, is installed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from rowbell.engine.context import AttemptContext
from rowbell.task import Claim, Failure


class Traced(Protocol):
    def tell(self, outcome: str, failure: Failure | None) -> None: ...


Trace = Callable[[Claim, AttemptContext], AbstractContextManager[Traced] | None]


def installed() -> Trace | None:
    """What makes the span of an attempt; None: nothing does, and nothing is paid for it."""
    try:
        from rowbell.engine.spans import traced  # noqa: PLC0415 - it needs what may not be there
    except ImportError:
        return None
    return traced
