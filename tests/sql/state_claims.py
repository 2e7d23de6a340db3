"""Whether a claim took the right tasks; which of equal ones it takes is its own affair."""

import asyncpg
from state_model import Model, Task


def judge_fences(claims: list[asyncpg.Record], due: list[Task]) -> None:
    """Each is due, and is given to the next attempt."""
    waiting = {task.id: task for task in due}
    for claim in claims:
        task = waiting.pop(claim["id"])  # a task that is not due, or claimed twice, is a KeyError
        assert (claim["attempt"], claim["kind"]) == (task.attempt + 1, task.kind)
        assert claim["failures"] == task.failures


def judge_claim(model: Model, left: list[Task], taken: list[int], slots: int) -> None:
    """Within the limits, and no more could be taken, nor better ones; after the claim."""
    assert len(taken) <= slots
    for task in (model.tasks[id_] for id_ in taken):
        assert model.room("queue", task.queue) >= 0
        assert model.room("kind", task.kind) >= 0
        assert task.concurrency_key is None or model.room("key", task.concurrency_key) >= 0
        for other in left:
            assert not (outranks(other, task) and fits_instead(model, other, task))
    if len(taken) < slots:
        assert not [t for t in left if model.fits(t) and model.room("queue", t.queue) > 0]


def outranks(one: Task, other: Task) -> bool:
    """The higher priority first; of a kind, and of a key of it, the oldest first."""
    if one.priority != other.priority:
        return one.priority > other.priority
    same = (one.kind, one.concurrency_key) == (other.kind, other.concurrency_key)
    return same and (one.run_at, one.id) < (other.run_at, other.id)


def fits_instead(model: Model, task: Task, other: Task) -> bool:
    """Whether a task could run if another one did not; both are of one queue."""
    key = task.concurrency_key
    room_of_kind = model.room("kind", task.kind) + (task.kind == other.kind)
    room_of_key = 1 if key is None else model.room("key", key) + (key == other.concurrency_key)
    return room_of_kind > 0 and room_of_key > 0
