"""When a recurring task is due: a cron expression or an interval, and what was missed."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Self

Missed = Literal["skip", "once", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Either `cron` or `every` is given."""

    cron: str | None
    every: timedelta | None
    time_zone: str
    missed: Missed

    @classmethod
    def read(
        cls,
        *,
        every: float | str | timedelta | None,
        cron: str | None,
        time_zone: str | None,
        missed: Missed | None,
    ) -> Self | None:
        """What `@task` takes; None if there is neither `every` nor `cron`. Raises ValueError."""
        if every is None and cron is None:
            return None
        raise NotImplementedError
