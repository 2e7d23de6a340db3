"""The limits that the chaos run sets, and holds the service to."""

from dataclasses import dataclass

FEW = 5
NARROW = 6
KEYS = 8


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tasks of this group run at once, over all workers."""

    group: str
    """As the payload names it."""
    most: int
    condition: str
    """In SQL, for a row of rowbell.tasks."""


LIMITS = (
    Limit("kind", FEW, "kind = 'chaos_few'"),
    Limit("queue", NARROW, "queue = 'chaos_narrow'"),
    *(Limit(f"key{n}", 1, f"concurrency_key = 'key{n}'") for n in range(KEYS)),
)

SET_UP = f"insert into rowbell.queues (name, max_running) values ('chaos_narrow', {NARROW})"

SAMPLE = (
    "select "
    + ", ".join(f"count(*) filter (where {limit.condition})" for limit in LIMITS)
    + " from rowbell.tasks where status = 'PROCESSING'"
)
"""How many of each run now, in one snapshot."""
