"""The rows that producers insert: kinds in proportion, and what their handlers shall do."""

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from faults.chaos.ledger import Ledger
from faults.chaos.limits import KEYS

COLUMNS = ("kind", "queue", "concurrency_key", "payload", "run_at")

WEIGHTS = {
    "noop": 50, "sleep": 14, "long": 1, "fail": 12, "effect": 6, "thread": 8,
    "few": 3, "narrow": 3, "keyed": 3,
}  # fmt: skip
SECONDS = {
    "noop": (0, 0), "sleep": (0.01, 0.4), "long": (2, 9), "fail": (0, 0.05), "effect": (0, 0.1),
    "thread": (0.01, 0.3), "few": (0.01, 0.1), "narrow": (0.01, 0.1), "keyed": (0.01, 0.1),
}  # fmt: skip
"""How long a handler takes, from and to. Those of a limit together need less than it grants."""
IN_THREADS = {"chaos_thread"}
KINDS = {"long": "chaos_sleep", "narrow": "chaos_sleep", "keyed": "chaos_sleep"}


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    kind: str
    queue: str
    key: str | None
    payload: str
    run_at: datetime

    @property
    def values(self) -> tuple[str, str, str | None, str, datetime]:
        """In the order of COLUMNS."""
        return self.kind, self.queue, self.key, self.payload, self.run_at


class Rows:
    """Makes rows, at random."""

    def __init__(self, ledger: Ledger, dice: random.Random) -> None:
        self._ledger = ledger
        self._dice = dice

    def make(self, count: int) -> list[Row]:
        return [self._make() for _ in range(count)]

    def _make(self) -> Row:
        number = self._ledger.next_number()
        (sort,) = self._dice.choices(list(WEIGHTS), list(WEIGHTS.values()))
        key = f"key{self._dice.randrange(KEYS)}" if sort == "keyed" else None
        group = {"few": "kind", "narrow": "queue"}.get(sort, key or "")
        work = {"number": number, "seconds": self._dice.uniform(*SECONDS[sort]), "group": group}
        later = self._dice.uniform(0, 2) if self._dice.random() < 0.05 else 0
        return Row(
            number,
            KINDS.get(sort, f"chaos_{sort}"),
            "chaos_narrow" if sort == "narrow" else "chaos",
            key,
            json.dumps(work),
            datetime.now(UTC) + timedelta(seconds=later),
        )
