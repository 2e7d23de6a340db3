"""What one process measures by name: attempts by queue and kind, operations, waits for the loop.

Beside `tally`, which has the counters without labels. Names come from clients, so there is an end
to them: beyond MOST_PAIRS everything else is one pair, `other`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

from rowbell.task import Claim

BOUNDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200,
    86400,
)  # fmt: skip
"""Seconds; those of rowbell.histogram_bounds(), so that both tell the same story."""
SHORT_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds; for what should take no time at all."""

OUTCOMES = ("completed", "failed", "retried", "released", "cancelled", "refused")
MOST_PAIRS = 100
OTHER = "other"


class Distribution:
    """How many values lie up to each bound, and their sum. An `add` costs 0.2 µs."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = BOUNDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """The last counts what is beyond all bounds."""
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Pair:
    """The attempts of one queue and kind."""

    __slots__ = ("ended", "runs", "waits")

    def __init__(self) -> None:
        self.ended = dict.fromkeys(OUTCOMES, 0)
        self.waits = Distribution()
        self.runs = Distribution()


class Measures:
    """One for each process; only the event loop's thread writes."""

    def __init__(self) -> None:
        self.pairs: dict[tuple[str, str], Pair] = {}
        self.operations: Counter[str] = Counter()
        """Of the API, by query, mutation, subscription."""
        self.refusals: Counter[str] = Counter()
        """Answers of the API that are errors, by their code."""
        self.requests = 0
        """HTTP requests of the API; a WebSocket is none."""
        self.loop_lags = Distribution(SHORT_BOUNDS)
        """Seconds until the event loop did what it was asked to do at once."""
        self.connection_waits = Distribution(SHORT_BOUNDS)
        """Seconds until a statement had a connection."""

    def claimed(self, claims: Iterable[Claim]) -> None:
        """Attempts begin, after so long a wait."""
        pairs = self.pairs
        for claim in claims:
            pair = pairs.get((claim.queue, claim.kind)) or self._new(claim)
            pair.waits.add(claim.wait_seconds)

    def ended(self, claim: Claim, outcome: str, seconds: float) -> None:
        """An attempt ran for so long, and what became of it is written."""
        pair = self.pairs.get((claim.queue, claim.kind)) or self._new(claim)
        pair.ended[outcome] += 1
        pair.runs.add(seconds)

    def _new(self, claim: Claim) -> Pair:
        full = len(self.pairs) >= MOST_PAIRS
        key = (OTHER, OTHER) if full else (claim.queue, claim.kind)
        return self.pairs.setdefault(key, Pair())


measures = Measures()
"""Of this process."""
