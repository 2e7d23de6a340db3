"""Two attempts at one task at the same time, and whether fencing could prevent it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from faults.chaos.evidence import Evidence
from faults.chaos.fleet import Life
from faults.chaos.record import Run
from faults.chaos.rows import IN_THREADS

WAKE_SECONDS = 2.0
"""A process that was stopped may be so late, once it goes on, to see that its lease is over."""
THREAD_SECONDS = 0.5
"""A thread cannot be stopped, only told: it may look up so late."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two runs of one task that lasted at the same time."""

    earlier: Run
    later: Run
    seconds: float
    is_allowed: bool
    """A stopped process cannot end its handlers; what they bring afterwards must be refused."""

    @property
    def sentence(self) -> str:
        a, b = self.earlier, self.later
        return (
            f"attempt {a.attempt} (process {a.process}) ran on for {self.seconds:.3f} s while"
            f" attempt {b.attempt} (process {b.process}) ran"
        )


def overlaps(evidence: Evidence) -> Iterator[Overlap]:
    lives = evidence.life_of
    for task_id, runs in evidence.runs.items():
        for earlier, later in pairwise(runs):
            ended, life = _end(earlier, lives), lives[earlier.process]
            if ended <= later.began:
                continue
            kind = evidence.tasks[task_id]["kind"] if task_id in evidence.tasks else ""
            seconds = min(ended, _end(later, lives)) - later.began
            allowed = _was_stopped(life, later.began, ended) or (
                kind in IN_THREADS and seconds <= THREAD_SECONDS
            )
            yield Overlap(earlier, later, seconds, allowed)


def _end(run: Run, lives: dict[int, Life]) -> float:
    return run.ended or lives[run.process].ended or float("inf")


def _was_stopped(life: Life, began: float, ended: float) -> bool:
    """The earlier one stood still when the later one began, and ended soon after it went on."""
    return any(
        start <= began <= end + WAKE_SECONDS and ended <= end + WAKE_SECONDS
        for start, end in life.stops
    )
