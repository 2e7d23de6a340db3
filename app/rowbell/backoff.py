"""How long to wait before the next attempt."""

import random

FIRST_SECONDS = 1.0
MOST_SECONDS = 3_600.0
LEAST_SECONDS = 0.05


def exponential(
    failures: int, *, first: float = FIRST_SECONDS, most: float = MOST_SECONDS
) -> float:
    """Seconds to wait after `failures` failures (1 or more): exponential with full jitter.

    Full jitter spreads a thousand tasks that failed in the same instant evenly over the whole
    window, which clears contention with the fewest calls (M. Brooker, "Exponential Backoff And
    Jitter", AWS Architecture Blog, 2015).
    """
    window = min(most, first * 2.0 ** min(failures - 1, 60))
    return max(LEAST_SECONDS, random.uniform(0, window))  # noqa: S311 - jitter is no secret
