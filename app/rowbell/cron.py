"""Cron expressions in a time zone, with the rules of Debian's cron where the clocks change."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_MINUTE = timedelta(minutes=1)
_ANY_DAY = datetime(2000, 1, 1)  # noqa: DTZ001 - a wall clock's time has no zone
_WRITE = 'write minute, hour, day, month and weekday: "30 2 * * *", "*/5 8-17 * * MON-FRI"'


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression of five fields, and the zone whose clocks it means.

    CronSim is given wall-clock times without a zone, and the zone is applied here: with a zone of
    its own it takes every shift for a whole hour, and loses runs where it is half of one
    (Australia/Lord_Howe).
    """

    expression: str
    zone: ZoneInfo

    @classmethod
    def read(cls, expression: str, time_zone: str) -> Self:
        """Raises ValueError that says what to write."""
        if len(expression.split()) != 5:
            raise ValueError(f"cron={expression!r} has not five fields: {_WRITE}.")
        try:
            first = next(CronSim(expression, _ANY_DAY), None)
        except CronSimError as error:
            raise ValueError(f"cron={expression!r}: {str(error).lower()}; {_WRITE}.") from None
        if first is None:
            raise ValueError(f"cron={expression!r} is never due: no year has such a day.")
        try:
            return cls(expression, ZoneInfo(time_zone))
        except (KeyError, OSError, ValueError):  # not there, a folder, no name of a file
            raise ValueError(
                f'time_zone={time_zone!r} is no IANA time zone: write "Europe/Berlin".'
            ) from None

    @property
    def is_fixed(self) -> bool:
        """True for times of day ("30 2 * * *"); False if minute or hour begins with a star.

        At a change of the clocks the former run once, the latter go by the time that passes.
        """
        minute, hour, *_ = self.expression.split()
        return not minute.startswith("*") and not hour.startswith("*")

    def runs(self, after: datetime) -> Iterator[datetime]:
        """The runs after an instant, in UTC; they end if none follows within 50 years."""
        last = after
        for run in self._in_order(after):
            if run > last:  # two wall times of one gap are one run
                last = run
                yield run

    def _in_order(self, after: datetime) -> Iterator[datetime]:
        repeated: deque[datetime] = deque()
        for wall in CronSim(self.expression, self._wall(after)):
            instants = self._instants(wall)
            while repeated and instants and repeated[0] <= instants[0]:
                yield repeated.popleft()
            yield from instants[:1]
            repeated.extend(instants[1:])
        yield from repeated

    def _wall(self, instant: datetime) -> datetime:
        """What the clocks of the zone show; in a repeated hour, a time before all of it."""
        wall = instant.astimezone(self.zone).replace(tzinfo=None, fold=0)
        first, second = self._both(wall)
        return wall - max(second - first, timedelta())

    def _instants(self, wall: datetime) -> tuple[datetime, ...]:
        """When the clocks show this: once, twice, or never, and then perhaps at the next chance."""
        first, second = self._both(wall)
        if first > second:
            return (self._after_gap(wall),) if self.is_fixed else ()
        return (first,) if first == second or self.is_fixed else (first, second)

    def _both(self, wall: datetime) -> tuple[datetime, datetime]:
        """First and second time that the clocks show this; in reverse order if they skip it."""
        return (
            wall.replace(tzinfo=self.zone).astimezone(UTC),
            wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC),
        )

    def _after_gap(self, wall: datetime) -> datetime:
        first, second = self._both(wall)
        while first > second:
            wall += _MINUTE
            first, second = self._both(wall)
        return first
