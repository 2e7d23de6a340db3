"""What went wrong in an attempt, in the words that `tasks.error` keeps."""

import contextlib
import traceback

from rowbell.engine.lines import fit
from rowbell.errors import FunctionFailed, GiveUp, InvalidArgument, RetryLater
from rowbell.handlers import Handler, place
from rowbell.task import Failure

MESSAGE_CHARACTERS = 2_000
TRACEBACK_CHARACTERS = 8_000
LONGEST_DELAY_SECONDS = 365 * 86_400.0


class TimedOut(Exception):
    """The attempt was longer than the timeout of its task or kind."""


class PayloadInvalid(Exception):
    """The payload does not fit the handler's model: no further attempt can succeed."""


class ProcessDied(Exception):
    """The process of a handler ended before the handler did."""


class RemoteFailure(Exception):
    """A handler raised elsewhere; `types` are the places of the exception's class and its bases."""

    def __init__(self, failure: Failure, types: list[str]) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.types = types


HOPELESS = (GiveUp, InvalidArgument, PayloadInvalid)
"""After these no further attempt can succeed, whatever the handler."""
SELF_EXPLAINING = (GiveUp, TimedOut, PayloadInvalid, ProcessDied)
"""A traceback would say nothing more."""


def failure_of(error: BaseException, handler: Handler) -> Failure:
    """The failure; its delay is set only if the handler asked for one."""
    hopeless = (*HOPELESS, *handler.give_up_on)
    if isinstance(error, RemoteFailure):
        error.failure.retryable = not {place(each) for each in hopeless} & set(error.types)
        return error.failure
    failure = told(error)
    failure.retryable = not isinstance(error, hopeless)
    return failure


def told(error: BaseException) -> Failure:
    """An exception in words, which fit everywhere: in a JSON column, and through a pipe."""
    failure = Failure(type=type(error).__name__, message=fit(_words(error), MESSAGE_CHARACTERS))
    if isinstance(error, FunctionFailed):
        failure.details = {k: fit(text, MESSAGE_CHARACTERS) for k, text in error.details.items()}
    elif isinstance(error, RetryLater):
        # The seconds are the handler's: what is no number leaves the backoff as it is.
        with contextlib.suppress(AttributeError, TypeError, ValueError, OverflowError):
            failure.delay = min(max(0.0, float(error.seconds)), LONGEST_DELAY_SECONDS)
    elif not isinstance(error, SELF_EXPLAINING):
        failure.traceback = fit("".join(traceback.format_exception(error)), -TRACEBACK_CHARACTERS)
    return failure


def types_of(error: BaseException) -> list[str]:
    """Places of the exception's class and its bases, for those who have no such class."""
    return [place(each) for each in type(error).__mro__]


def _words(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001 - __str__ is the handler's code too
        return f"{type(error).__name__}, which cannot say what it is"
