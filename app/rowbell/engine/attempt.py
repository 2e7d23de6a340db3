"""One try at a task: from the claim to an outcome. It always ends in exactly one outcome."""

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

from rowbell.backoff import exponential
from rowbell.engine import traces
from rowbell.engine.context import AttemptContext
from rowbell.engine.executors.call import Call
from rowbell.engine.executors.executor import Executor
from rowbell.engine.failures import LONGEST_DELAY_SECONDS, TimedOut, failure_of
from rowbell.handlers import Handler
from rowbell.logs import log
from rowbell.task import Claim, Failure

_trace = traces.installed()


class Ending(StrEnum):
    """Why an attempt was ended from outside."""

    CANCELLED = "cancelled"
    DRAINED = "drained"
    FENCED = "fenced"
    RETURNED = "returned"


@dataclass(slots=True)
class Outcome:
    """How an attempt ended: a failure, an ending from outside, or (neither) a result."""

    claim: Claim
    seconds: float = 0.0
    result: str | None = None
    failure: Failure | None = None
    ending: Ending | None = None
    lines: str | None = None
    """What the attempt has logged, as a JSON array."""
    is_settled: bool = False
    """True once it is written, or refused because the task belongs to another attempt."""

    @property
    def name(self) -> str:
        return str(self.ending or ("failed" if self.failure else "completed"))


class Attempt:
    """Runs a handler once; `end` stops it from outside."""

    __slots__ = (
        "_call",
        "_ending",
        "_performing",
        "began_at",
        "claim",
        "context",
        "executor",
        "handler",
        "task",
    )

    def __init__(
        self, claim: Claim, handler: Handler, context: AttemptContext, executor: Executor
    ) -> None:
        self.claim = claim
        self.handler = handler
        self.context = context
        self.executor = executor
        self.task: asyncio.Task[None] | None = None
        self.began_at = asyncio.get_running_loop().time()
        self._call = Call(handler, claim.payload, context)
        self._ending: Ending | None = None
        self._performing = False

    @property
    def lingering(self) -> Future[Any] | None:
        """What of the handler still runs although the attempt has ended; None: nothing."""
        left = self._call.lingering
        return left if left and not left.done() else None

    @property
    def call(self) -> Call | None:
        """What its handler runs as; None before and after."""
        return self._call if self._performing else None

    def end(self, ending: Ending) -> bool:
        """Stop the handler, as far as the place where it runs can.

        False: it was ended before.
        """
        if self._ending is not None:
            return False
        self._ending = ending
        self.context.is_cancelled = True
        if self._performing and self.task:  # before and after, a cancel would lose the outcome
            self.task.cancel()
        return True

    async def run(self) -> Outcome:
        """Perform, and turn whatever happens into an outcome; raises nothing."""
        traced = _trace(self.claim, self.context) if _trace else None
        if traced is None:
            return await self._run()
        with traced as span:
            outcome = await self._run()
            span.tell(outcome.name, outcome.failure)
        return outcome

    async def _run(self) -> Outcome:
        started = asyncio.get_running_loop().time()
        outcome = Outcome(self.claim)
        if self._ending:
            outcome.ending = self._ending
            return outcome
        self._performing = True
        try:
            seconds = self.claim.timeout or self.handler.timeout
            if seconds is None:
                outcome.result = await self.executor.run(self._call)
            else:
                outcome.result = await self._within(seconds)
        except BaseException as error:  # noqa: BLE001 - a handler may raise anything, SystemExit too
            outcome.ending = self._ending  # what it raises when it is ended is an echo of that
            if self._ending is None:
                outcome.failure = _failure(error, self.claim, self.handler)
        finally:
            self._performing = False
        outcome.seconds = asyncio.get_running_loop().time() - started
        outcome.lines = self.context.lines.as_json()
        return outcome

    async def _within(self, seconds: float) -> str | None:
        loop = asyncio.get_running_loop()
        deadline = asyncio.timeout(None)  # until it begins: it may wait for a free process
        self._call.began = lambda: deadline.reschedule(loop.time() + seconds)
        try:
            async with deadline:
                return await self.executor.run(self._call)
        except TimeoutError:
            if not deadline.expired():
                raise  # the handler's own
            self.context.is_cancelled = True
            raise TimedOut(f"the attempt took longer than its timeout of {seconds:g} s") from None


def _failure(error: BaseException, claim: Claim, handler: Handler) -> Failure:
    failure = failure_of(error, handler)
    if failure.delay is None:
        failure.delay = _delay(handler, claim.failures + 1)
    return failure


def _delay(handler: Handler, failures: int) -> float:
    """The backoff of the kind is its author's code too: what it gets wrong must lose no outcome."""
    try:
        seconds = float(handler.backoff(failures))
    except Exception as error:  # noqa: BLE001 - as above
        log.warning("backoff.failed", kind=handler.kind, reason=repr(error))
        return exponential(failures)
    return (
        min(max(0.0, seconds), LONGEST_DELAY_SECONDS)
        if isfinite(seconds)
        else exponential(failures)
    )
