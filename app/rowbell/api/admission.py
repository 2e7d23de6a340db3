"""What a caller was let in with."""

from dataclasses import dataclass

from rowbell.viewer import ANYBODY, Viewer


@dataclass(frozen=True, slots=True)
class Admission:
    """Who was let in, and for how long."""

    viewer: Viewer
    expires_at: float | None = None
    """Seconds since the epoch, by the clock of this process; None: never."""
    token: int | None = None
    """The API token, which may be taken back; None: a JWT, or nothing."""


OPEN = Admission(ANYBODY)
"""Of everybody, while no credentials are configured."""
