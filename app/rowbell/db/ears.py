"""What is told by NOTIFY, and to whom in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BELL, CANCEL, CHANGES, PROBE = "rowbell_bell", "rowbell_cancel", "rowbell_changes", "rowbell_probe"
SCHEDULES = "rowbell_schedules"
TOKENS = "rowbell_tokens"
STACKS = "rowbell_stacks"


def _nothing(*_: Any) -> None:
    """Nobody asked to be told."""


@dataclass(slots=True)
class Ears:
    """Whom to tell; all are called on the event loop and must return at once."""

    bell: Callable[[str], None] = _nothing
    """A queue got due tasks."""
    cancel: Callable[[int], None] = _nothing
    """The cancel of a running task was asked for."""
    stacks: Callable[[int], None] = _nothing
    """Somebody asks where the handler of a task is."""
    changes: Callable[[], None] = _nothing
    """Some task may have changed, while somebody watches."""
    schedules: Callable[[], None] = _nothing
    """A schedule was made or changed."""
    tokens: Callable[[], None] = _nothing
    """An API token was made, changed or taken back."""
    ready: Callable[[], None] = _nothing
    """Notifications arrive (again): whatever was told before may have been missed."""
    on_duty: Callable[[], None] = _nothing
    """From now on this process answers the bell: whatever was rung before may wait still."""
    cancels: Callable[[], None] = _nothing
    """Cancels are heard from now on: what was asked for before may have been missed."""
    lost: Callable[[], None] = _nothing
    """The connection is gone; a good moment to see whether the server is."""

    def tell(self, channel: str, payload: str) -> None:
        if channel == BELL:
            self.bell(payload)
        elif channel == CANCEL:
            self.cancel(int(payload))
        elif channel == STACKS:
            self.stacks(int(payload))
        elif channel == SCHEDULES:
            self.schedules()
        elif channel == TOKENS:
            self.tokens()
