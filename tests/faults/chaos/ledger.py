"""Which rows the producers have inserted, rolled back, or do not know about."""

from dataclasses import dataclass, field
from enum import Enum


class Fate(Enum):
    """What a producer knows of its rows."""

    COMMITTED = "committed"
    ROLLED_BACK = "rolled back"
    UNKNOWN = "unknown"
    """The answer to the commit was lost."""


@dataclass(slots=True)
class Ledger:
    """Rows by their number, which their payload carries."""

    fates: dict[int, Fate] = field(default_factory=dict)
    handed_out: int = 0
    refusals: list[str] = field(default_factory=list)
    """What PostgreSQL refused although it was there: no INSERT may be failed by Rowbell."""

    def next_number(self) -> int:
        self.handed_out += 1
        return self.handed_out

    def settle(self, numbers: list[int], fate: Fate) -> None:
        self.fates.update(dict.fromkeys(numbers, fate))

    def count(self, fate: Fate) -> int:
        return sum(each is fate for each in self.fates.values())
