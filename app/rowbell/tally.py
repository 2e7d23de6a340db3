"""What one process has counted since it began: for its metrics, and for its row in rowbell.workers.

Plain numbers, so that an increment costs a few dozen nanoseconds. Only the event loop's thread
writes them; whoever reads them gets a state of a moment ago.
"""

from dataclasses import dataclass, fields
from datetime import datetime


@dataclass(slots=True)
class Tally:
    """Counters only grow; what may fall is a state of now: `is_…`, `probe_seconds`, `probed_at`."""

    bells_heard: int = 0
    """Notifications that a queue has due tasks."""
    looks: int = 0
    """Claims asked for."""
    empty_looks: int = 0
    """Claims that brought nothing."""
    failed_looks: int = 0
    """Claims that PostgreSQL did not answer, or answered too late."""
    tasks_claimed: int = 0
    tasks_answered: int = 0
    """Of the claimed ones, those that no sweep had to find: rung, or expected at their time."""
    tasks_swept: int = 0
    """Of the claimed ones, those that a sweep found and no bell had announced."""
    is_listening: bool = False
    """LISTEN is in force and proven."""
    is_deaf: bool = False
    """PostgreSQL answers, but delivers no notification."""
    listener_connects: int = 0
    """How often LISTEN came into force; one more than the reconnects."""
    listener_losses: int = 0
    """How often it was in force and was lost."""
    probes: int = 0
    """Notifications to itself that came back."""
    probe_seconds: float | None = None
    """How long the last one took."""
    probed_at: datetime | None = None
    """When it came back, in UTC."""
    sweeps: int = 0
    """Sweeps that reached their end."""
    failed_sweeps: int = 0
    tasks_rescued: int = 0
    """Tasks that sweeps of this process took from silent workers."""
    failed_heartbeats: int = 0
    attempts_refused: int = 0
    """Outcomes that came too late: the task belonged to another attempt."""

    def looked(self, tasks: int, *, by_sweep: bool) -> None:
        """A claim was answered with so many tasks."""
        self.looks += 1
        self.tasks_claimed += tasks
        if not tasks:
            self.empty_looks += 1
        elif by_sweep:
            self.tasks_swept += tasks
        else:
            self.tasks_answered += tasks

    def probed(self, seconds: float, at: datetime) -> None:
        """A notification to itself came back after so long."""
        self.probes += 1
        self.probe_seconds = seconds
        self.probed_at = at

    def listens(self) -> None:
        """LISTEN came into force."""
        self.listener_connects += 1
        self.is_listening = True
        self.is_deaf = False

    def lost(self, *, is_deaf: bool) -> None:
        """It is in force no more, or could not be put into force."""
        self.listener_losses += self.is_listening
        self.is_listening = False
        self.is_deaf = is_deaf

    def as_json(self) -> dict[str, int | float | bool | str | None]:
        """All of it by name; instants as ISO 8601."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**values, "probed_at": self.probed_at.isoformat() if self.probed_at else None}


tally = Tally()
"""Of this process: it has one listener and one worker at the most."""
