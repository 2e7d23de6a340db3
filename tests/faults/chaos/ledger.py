"""Which rows the producers have inserted, rolled back, or do not know about."""

from dataclasses import dataclass, field
from enum import Enum

OUTAGES = ("08", "57")
"""Classes of SQLSTATE: the connection is gone; the server is, or just comes."""


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

    def note(self, error: BaseException) -> None:
        """Remember what ended a statement, unless it is that the server was gone."""
        sqlstate = getattr(error, "sqlstate", None) or "08000"
        if sqlstate[:2] not in OUTAGES:
            self.refusals.append(f"{sqlstate} {error}")
