"""How many operations a subject may begin in a minute, and the headers that tell it.

Headers: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (version 10).
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from rowbell.api.limits import RateLimited

WINDOW_SECONDS = 60
MOST_SUBJECTS = 10_000


class Rates:
    """A bucket for each subject: full at first, and filled again evenly.

    Kept is only the instant at which a bucket will be full again; of those that are, nothing.
    """

    def __init__(self, rate: int, *, now: Callable[[], float] = time.monotonic) -> None:
        """`rate`: operations in a minute; 0: no limit."""
        self._rate = rate
        self._now = now
        self._step = WINDOW_SECONDS / rate if rate else 0.0
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def spend(self, subject: str) -> dict[str, str]:
        """Take one; returns the headers that say what is left. Raises RateLimited."""
        if not self._rate:
            return {}
        now = self._now()
        full_at = max(now, self._full_at.get(subject, now)) + self._step
        if full_at - now > WINDOW_SECONDS + self._step / 1_000:
            seconds = math.ceil(full_at - now - WINDOW_SECONDS)
            raise RateLimited(
                f"more than {self._rate} operations a minute.",
                hint=f"Try again in {seconds} s.",
                headers={**self._headers(0, seconds), "Retry-After": str(seconds)},
            )
        self._full_at[subject] = full_at
        self._full_at.move_to_end(subject)
        self._forget(now)
        left = int((WINDOW_SECONDS - (full_at - now)) / self._step + 1e-6)
        return self._headers(left, math.ceil(full_at - now))

    def _headers(self, left: int, seconds: int) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"operations";q={self._rate};w={WINDOW_SECONDS}',
            "RateLimit": f'"operations";r={left};t={seconds}',
        }

    def _forget(self, now: float) -> None:
        """Full buckets, oldest first; of too many the oldest, whatever is in it."""
        while self._full_at:
            subject, full_at = next(iter(self._full_at.items()))
            if full_at > now and len(self._full_at) <= MOST_SUBJECTS:
                return
            del self._full_at[subject]
