"""How far the clock of this machine is from that of the server."""

from datetime import UTC, datetime, timedelta

from rowbell.db.doctor.finding import Answer, warning
from rowbell.db.doctor.patient import Patient

LOOKS = 3
TOLERATED_SECONDS = 2.0


async def clock(patient: Patient) -> Answer:
    """The fastest of some round trips says it best; half of it is the error."""
    ahead, trip = min([await _look(patient) for _ in range(LOOKS)], key=lambda look: look[1])
    seconds = ahead.total_seconds()
    said = f"{abs(seconds) * 1000:.0f} ms {'ahead of' if seconds > 0 else 'behind'} the server"
    if abs(seconds) <= TOLERATED_SECONDS + trip.total_seconds():
        return Answer(said)
    distance = timedelta(seconds=round(abs(seconds)))
    sentence = (
        f"The clock of this machine is {distance} {'ahead of' if seconds > 0 else 'behind'} that"
        " of the server. Tasks go by the server's; logs, and the expiry of JWTs, do not."
    )
    return Answer(said, [warning("clock.skew", sentence, command="sudo timedatectl set-ntp true")])


async def _look(patient: Patient) -> tuple[timedelta, timedelta]:
    before = datetime.now(UTC)
    there: datetime = await patient.connection.fetchval("select clock_timestamp()")
    trip = datetime.now(UTC) - before
    return before + trip / 2 - there, trip
