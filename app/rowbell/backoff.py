"""How long to wait before the next attempt."""

import math
import random
from collections.abc import Callable, Sequence

FIRST_SECONDS = 1.0
MOST_SECONDS = 3_600.0
LEAST_SECONDS = 0.05

Backoff = Callable[[int], float]
"""Seconds to wait after so many failures, 1 or more."""


def exponential(
    failures: int, *, first: float = FIRST_SECONDS, most: float = MOST_SECONDS
) -> float:
    """Seconds to wait after `failures` failures (1 or more): exponential with full jitter.

    Full jitter spreads a thousand tasks that failed in the same instant evenly over the whole
    window, which clears contention with the fewest calls (M. Brooker, "Exponential Backoff And
    Jitter", AWS Architecture Blog, 2015). Other bounds: `partial(exponential, most=60)`.
    """
    window = min(most, first * 2.0 ** min(failures - 1, 60))
    return max(LEAST_SECONDS, random.uniform(0, window))  # noqa: S311 - jitter is no secret


def linear(seconds: float, *, most: float = MOST_SECONDS) -> Backoff:
    """A backoff of `seconds`, twice that, three times that; give or take a tenth."""
    if not 0 <= seconds < math.inf:
        raise ValueError(f"linear({seconds}) is no time in seconds.")
    return lambda failures: _spread(min(most, seconds * failures))


def listed(seconds: Sequence[float]) -> Backoff:
    """A backoff from a list, whose last entry repeats; give or take a tenth."""
    if (
        isinstance(seconds, str)
        or not seconds
        or not all(isinstance(s, int | float) and 0 <= s < math.inf for s in seconds)
    ):
        raise ValueError(f"backoff={seconds!r} is no function and no list of seconds.")
    times = tuple(map(float, seconds))
    return lambda failures: _spread(times[min(failures, len(times)) - 1])


def as_backoff(given: Backoff | Sequence[float] | None) -> Backoff:
    """What `@task(backoff=…)` takes, as a function. Raises ValueError."""
    if given is None:
        return exponential
    if callable(given):
        return given
    return listed(given)


def _spread(seconds: float) -> float:
    """A tenth of jitter, so that what failed together does not come back together."""
    return max(LEAST_SECONDS, seconds * random.uniform(0.9, 1.1))  # noqa: S311
