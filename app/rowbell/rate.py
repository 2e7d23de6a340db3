"""How many tasks may be started in a time."""

import re
from dataclasses import dataclass
from typing import Self

UNITS = {"s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3_600.0, "hour": 3_600.0, "d": 86_400.0}
_TEXT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*([a-z]+)\s*")


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: `per_second` tokens flow in, `burst` of them fit."""

    per_second: float
    burst: int

    @classmethod
    def read(cls, text: str) -> Self:
        """From "100/min": so many tasks a unit of time, in any second a sixtieth of it.

        The burst is what a second brings, one at the least, so that the load is spread. Raises
        ValueError.
        """
        match = _TEXT.fullmatch(text)
        if not match or match[2] not in UNITS or float(match[1]) <= 0:
            raise ValueError(f'rate={text!r} is not like "100/min": a number, /, s, min, h or d.')
        per_second = float(match[1]) / UNITS[match[2]]
        return cls(per_second, max(1, round(per_second)))
