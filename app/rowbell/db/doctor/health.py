"""What the database says of itself: rowbell.health, a function at a time, for their deadlines."""

from collections.abc import Awaitable, Callable

from rowbell.db.doctor.finding import Answer, Finding, Place, Severity
from rowbell.db.doctor.patient import Patient

FINE = {
    "queues": "no queue is held up",
    "workers": "workers beat",
    "schedules": "schedules tick",
    "journal": "the journal is counted",
    "sessions": "no transaction is old",
    "settings": "PostgreSQL is set up soundly",
    "tables": "tables and indexes are in good order",
}

_COLUMNS = "severity, topic, sentence, remedy, remedy_in"


def of(topic: str) -> Callable[[Patient], Awaitable[Answer]]:
    """The check that asks rowbell.health_of_<topic>()."""

    async def ask(patient: Patient) -> Answer:
        rows = await patient.connection.fetch(f"select {_COLUMNS} from rowbell.health_of_{topic}()")  # noqa: S608
        return Answer(FINE[topic], [_finding(*row) for row in rows])

    return ask


def _finding(
    severity: str, topic: str, sentence: str, remedy: str | None, remedy_in: str | None
) -> Finding:
    place = Place(remedy_in) if remedy_in else None
    return Finding(Severity(severity), topic, sentence, remedy, place)
