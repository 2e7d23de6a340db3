"""What a running handler holds of Rowbell: the Context of rowbell.handlers, made real."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rowbell.db import tasks
from rowbell.db.pool import Connection, Database, within_transaction
from rowbell.engine.lines import Lines
from rowbell.errors import InvalidState
from rowbell.logs import log
from rowbell.task import Claim


class AttemptContext:
    """Implements `rowbell.Context` for one attempt."""

    __slots__ = (
        "_claim", "_database", "_report", "_result", "is_cancelled", "is_completed", "lines",
        "traceparent",
    )  # fmt: skip

    def __init__(
        self, claim: Claim, *, database: Database, report: Callable[[Claim, float], None]
    ) -> None:
        self._claim = claim
        self._database = database
        self._report = report
        self._result: str | None = None
        self.lines = Lines()
        self.traceparent = claim.traceparent
        self.is_cancelled = False
        self.is_completed = False
        """True once `transaction` has committed the completion."""

    @property
    def task_id(self) -> int:
        return self._claim.id

    @property
    def attempt(self) -> int:
        return self._claim.attempt

    def progress(self, fraction: float) -> None:
        self._report(self._claim, tasks.as_progress(fraction))

    def log(self, message: str, **fields: object) -> None:
        claim = self._claim
        self.lines.add(message, fields)
        log.info(
            "task.logged",
            **{**fields, "task": claim.id, "kind": claim.kind, "attempt": claim.attempt},
            text=message,
        )

    def result(self, value: object) -> None:
        self._result = tasks.as_result(value)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        if self.is_completed:
            raise InvalidState("this attempt has committed its transaction already.")
        claim = self._claim
        async with self._database.for_handler() as connection, within_transaction(connection):
            yield connection
            if not await tasks.complete_within(
                connection, claim.id, claim.attempt, self._result, at=self._database.at
            ):
                raise InvalidState(f"task {claim.id} belongs to another attempt: rolled back.")
        self.is_completed = True
