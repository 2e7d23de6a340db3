"""What a handler may ask of Rowbell while it runs."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class Context(Protocol):
    """What a handler may ask of Rowbell while it runs; all but `transaction` also from a thread."""

    @property
    def task_id(self) -> int: ...

    @property
    def attempt(self) -> int:
        """1 for the first; only ever grows."""

    @property
    def is_cancelled(self) -> bool:
        """True once the attempt should end: cancelled, out of time, or drained. For threads."""

    @property
    def traceparent(self) -> str | None:
        """W3C Trace Context to send on with what is called: of this attempt where it is traced
        (rowbell[traces]), else of whoever asked for the task; None: of nobody."""

    def progress(self, fraction: float) -> None:
        """Report how far the work is, 0 to 1. The database hears of it twice a second at most."""

    def log(self, message: str, **fields: object) -> None:
        """Write a log line that carries the task's id, kind and attempt.

        The last 100 lines of an attempt, 16 KiB at the most, are kept in `rowbell.attempts`.
        """

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """Commit the handler's own writes and the task's completion together, or neither.

        Yields an asyncpg connection inside a transaction. What the handler returns after the
        block comes too late for `tasks.result`: give it to `result` within.
        """

    def result(self, value: object) -> None:
        """Within `transaction`: what `tasks.result` gets with the completion."""
