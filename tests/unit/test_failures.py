"""What went wrong, in words: the same whether it happened here or in another process."""

import pytest

from rowbell import GiveUp, RetryLater
from rowbell.decorator import describe
from rowbell.engine.failures import RemoteFailure, failure_of, told, types_of


class Refused(LookupError):
    """Of a handler."""


def handle() -> None: ...


HANDLER = describe(handle, give_up_on=(LookupError,))


@pytest.mark.parametrize(
    ("error", "retryable", "delay"),
    [
        (ValueError("x"), True, None),
        (Refused("x"), False, None),
        (GiveUp("x"), False, None),
        (RetryLater(5, "x"), True, 5),
        (RetryLater(1e18, "x"), True, 365 * 86_400),
        (RetryLater("soon", "x"), True, None),  # type: ignore[arg-type]
    ],
)
def test_failure_elsewhere_is_the_failure_here(
    error: Exception, retryable: bool, delay: float | None
) -> None:
    here = failure_of(error, HANDLER)
    there = failure_of(RemoteFailure(told(error), types_of(error)), HANDLER)
    assert here == there
    assert (here.type, here.retryable, here.delay) == (type(error).__name__, retryable, delay)


def test_exception_that_cannot_say_what_it_is_is_told_all_the_same() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert told(Mute()).message == "Mute, which cannot say what it is"


def test_what_no_json_column_takes_is_replaced() -> None:
    assert told(ValueError("a\0b\ud800")).message == "a\N{REPLACEMENT CHARACTER}b?"
