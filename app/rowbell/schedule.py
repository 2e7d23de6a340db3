"""When a recurring task is due: a cron expression or an interval, and what was missed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, takewhile
from typing import Literal, Self, get_args

from rowbell.cron import Cron

Missed = Literal["skip", "once", "all"]

UTC_ZONE = "UTC"
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=366)
LATE = timedelta(seconds=60)
"""A run that is later than this was missed; so was one whose next one has come."""
MOST_MISSED = 1_000
"""missed="all" makes up for so many runs; older ones are dropped."""

_EVERY = re.compile(
    r"(?=.)(?:(?P<days>[0-9]{1,5})d)?(?:(?P<hours>[0-9]{1,7})h)?"
    r"(?:(?P<minutes>[0-9]{1,9})m)?(?:(?P<seconds>[0-9]{1,9})s)?"
)
_FIRST_WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Due:
    """What to make of runs whose time has come."""

    runs: list[datetime]
    """Enqueue a task for each of these, oldest first."""
    following: datetime | None
    """The next one that lies ahead; None: there is none within 50 years."""
    were_missed: bool
    were_dropped: bool
    """There were more than MOST_MISSED."""


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
            for name, value in (("time_zone", time_zone), ("missed", missed)):
                if value is not None:
                    raise ValueError(f"{name}={value!r} needs cron= or every= beside it.")
            return None
        if every is not None and cron is not None:
            raise ValueError("every and cron say two things: write one of them.")
        if every is not None and time_zone is not None:
            raise ValueError("every needs no time_zone: it counts seconds; write cron= to use one.")
        if missed is not None and missed not in get_args(Missed):
            raise ValueError(f'missed={missed!r} is not "skip", "once" or "all".')
        if cron is not None:
            Cron.read(cron, time_zone or UTC_ZONE)
        return cls(
            cron=cron,
            every=None if every is None else read_every(every),
            time_zone=time_zone or UTC_ZONE,
            missed=missed or "once",
        )

    def runs(self, after: datetime, *, starts_at: datetime) -> Iterator[datetime]:
        """The runs after an instant, none before `starts_at`, from which `every` counts."""
        after = max(after, starts_at - timedelta.resolution)
        if self.every is None:
            return Cron.read(self.cron or "", self.time_zone).runs(after)
        first = (after - starts_at) // self.every + 1
        return (starts_at + n * self.every for n in count(first))

    def due(self, run_at: datetime, at: datetime, *, starts_at: datetime) -> Due:
        """What to make, at an instant, of the run that was planned for `run_at` and later ones."""
        most = MOST_MISSED + 1 if self.missed == "all" else 1
        later = self._latest(run_at, at, most, starts_at)
        passed = [run_at, *later][-most:]
        is_late = at - passed[-1] > LATE
        runs = {
            "all": passed[-MOST_MISSED:],
            "once": passed[-1:],
            "skip": [] if is_late else passed[-1:],
        }[self.missed]
        return Due(
            runs=runs,
            following=next(self.runs(at, starts_at=starts_at), None),
            were_missed=is_late or bool(later),
            were_dropped=len(passed) > MOST_MISSED,
        )

    def _latest(
        self, after: datetime, until: datetime, most: int, starts_at: datetime
    ) -> list[datetime]:
        """The last runs of a time; of a long one its end, for there may be millions in it."""
        window = _FIRST_WINDOW
        while True:
            since = max(after, until - window)
            runs = self.runs(since, starts_at=starts_at)
            found = list(takewhile(lambda run: run <= until, runs))
            if len(found) >= most or since == after:
                return found[-most:]
            window *= 2


def read_every(every: float | str | timedelta) -> timedelta:
    """From seconds, "90s", "15m", "1h30m" or "2d". Raises ValueError."""
    match every:
        case timedelta():
            interval = every
        case str():
            found = _EVERY.fullmatch(every)
            parts = found.groupdict(default="0") if found else {}
            interval = timedelta(**{unit: int(number) for unit, number in parts.items()})
            if not found:
                raise ValueError(f'every={every!r} is not like "90s", "15m", "1h30m" or "2d".')
        case _:
            fits = 0 < every <= LONGEST.total_seconds()
            interval = timedelta(seconds=every) if fits else timedelta()
    if not SHORTEST <= interval <= LONGEST:
        raise ValueError(f"every={every!r} is not from one second to 366 days.")
    return interval
