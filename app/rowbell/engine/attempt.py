"""One try at a task: from the claim to an outcome. It always ends in exactly one outcome."""

import asyncio
import contextlib
import traceback
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

import orjson
from pydantic import ValidationError

from rowbell.backoff import exponential
from rowbell.db.tasks import as_result
from rowbell.engine.context import AttemptContext
from rowbell.engine.executors import Executors
from rowbell.engine.lines import fit
from rowbell.errors import GiveUp, InvalidArgument, RetryLater
from rowbell.handlers import Handler
from rowbell.logs import log
from rowbell.task import Claim, Failure

MESSAGE_CHARACTERS = 2_000
TRACEBACK_CHARACTERS = 8_000
LONGEST_DELAY_SECONDS = 365 * 86_400.0


class Ending(StrEnum):
    """Why an attempt was ended from outside."""

    CANCELLED = "cancelled"
    DRAINED = "drained"
    FENCED = "fenced"


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


class Attempt:
    """Runs a handler once; `end` stops it from outside."""

    __slots__ = (
        "_ending", "_performing", "claim", "context", "executors", "handler", "task", "thread",
    )  # fmt: skip

    def __init__(
        self, claim: Claim, handler: Handler, context: AttemptContext, executors: Executors
    ) -> None:
        self.claim = claim
        self.handler = handler
        self.context = context
        self.executors = executors
        self.task: asyncio.Task[None] | None = None
        self.thread: Future[Any] | None = None
        """The handler's, if it runs in one; it may outlive the attempt."""
        self._ending: Ending | None = None
        self._performing = False

    def end(self, ending: Ending) -> bool:
        """Stop the handler: a coroutine is cancelled, a thread is told and left behind.

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
        started = asyncio.get_running_loop().time()
        outcome = Outcome(self.claim)
        if self._ending:
            outcome.ending = self._ending
            return outcome
        self._performing = True
        try:
            outcome.result = as_result(await self._perform())
        except BaseException as error:  # noqa: BLE001 - a handler may raise anything, SystemExit too
            outcome.ending = self._ending  # what it raises when it is ended is an echo of that
            if self._ending is None:
                outcome.failure = _failure(error, self.claim, self.handler)
        finally:
            self._performing = False
        outcome.seconds = asyncio.get_running_loop().time() - started
        outcome.lines = self.context.lines.as_json()
        return outcome

    async def _perform(self) -> Any:
        seconds = self.claim.timeout or self.handler.timeout
        arguments = self._arguments_of(self.handler)
        if seconds is None:
            return await self._call(arguments)
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                return await self._call(arguments)
        except TimeoutError:
            if not deadline.expired():
                raise  # the handler's own
            self.context.is_cancelled = True
            raise TimedOut(f"the attempt took longer than its timeout of {seconds:g} s") from None

    async def _call(self, arguments: dict[str, Any]) -> Any:
        if self.handler.runs_in == "loop":
            return await self.handler.function(**arguments)
        self.thread = self.executors.start(self.handler, arguments)
        return await asyncio.wrap_future(self.thread)

    def _arguments_of(self, handler: Handler) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        if handler.payload_name:
            arguments[handler.payload_name] = _payload(handler, self.claim.payload)
        if handler.context_name:
            arguments[handler.context_name] = self.context
        return arguments


class TimedOut(Exception):
    """The attempt was longer than the timeout of its task or kind."""


class PayloadInvalid(Exception):
    """The payload does not fit the handler's model: no further attempt can succeed."""


def _payload(handler: Handler, text: str) -> Any:
    try:
        if handler.payload_type is None:
            return orjson.loads(text)
        return handler.payload_type.validate_json(text)
    except (ValidationError, orjson.JSONDecodeError) as error:
        words = _sentence(error) if isinstance(error, ValidationError) else str(error)
        raise PayloadInvalid(f"the payload does not fit the kind {handler.kind}: {words}") from None


def _failure(error: BaseException, claim: Claim, handler: Handler) -> Failure:
    hopeless = (GiveUp, InvalidArgument, PayloadInvalid, *handler.give_up_on)
    failure = Failure(
        type=type(error).__name__,
        message=fit(_words(error), MESSAGE_CHARACTERS),
        retryable=not isinstance(error, hopeless),
        delay=_delay(handler, claim.failures + 1),
    )
    if isinstance(error, RetryLater):
        # The seconds are the handler's: what is no number leaves the backoff as it is.
        with contextlib.suppress(AttributeError, TypeError, ValueError, OverflowError):
            failure.delay = min(max(0.0, float(error.seconds)), LONGEST_DELAY_SECONDS)
    elif not isinstance(error, GiveUp | TimedOut | PayloadInvalid):
        failure.traceback = fit("".join(traceback.format_exception(error)), -TRACEBACK_CHARACTERS)
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


def _words(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001 - __str__ is the handler's code too
        return f"{type(error).__name__}, which cannot say what it is"


def _sentence(error: ValidationError) -> str:
    problems = (
        f"{'.'.join(str(part) for part in problem['loc']) or 'payload'}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False)[:5]
    )
    return "; ".join(problems)
