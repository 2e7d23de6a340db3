"""The rules of states in plain Python: what each SQL function must do to which task.

Written from the documentation and not from the SQL: where the two differ, one of them is wrong.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf

from state_parents import OPEN, Parents

CRASHES = 5
"""A task that lost so many workers is FAILED."""
LEASE = timedelta(seconds=30)
WORKERS_KEPT = timedelta(days=1)

Fence = tuple[int, int]
"""Task id and attempt."""


@dataclass
class Task:
    """A row, as far as rules speak of it."""

    id: int
    kind: str
    queue: str
    priority: int
    run_at: datetime
    max_attempts: int
    unique_key: str | None = None
    concurrency_key: str | None = None
    after: tuple[int, ...] | None = None
    after_batch: str | None = None
    after_failure: str = "cancel"
    batch: str | None = None
    parents: str | None = None
    status: str = "PENDING"
    attempt: int = 0
    failures: int = 0
    crashes: int = 0
    worker: int | None = None
    progress: float | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested_at: datetime | None = None

    def end(self, status: str, at: datetime) -> None:
        """Final, or PENDING again."""
        self.status = status
        self.worker = None
        self.finished_at = None if status == "PENDING" else at

    @property
    def has_parents(self) -> bool:
        return self.after is not None or self.after_batch is not None

    @property
    def is_unseen(self) -> bool:
        return self.status == "PENDING" and self.has_parents and self.parents is None

    def end_without_verdict(self, at: datetime) -> None:
        self.end("CANCELLED" if self.cancel_requested_at else "PENDING", at)


@dataclass
class Worker:
    id: int
    kinds: tuple[str, ...]
    beat_at: datetime
    ended_at: datetime | None = None


@dataclass
class Model:
    """Every method does what the SQL function of its name does, and says what that answers."""

    tasks: dict[int, Task] = field(default_factory=dict)
    workers: dict[int, Worker] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    limits: dict[tuple[str, str], int | None] = field(default_factory=dict)
    """How many may run at once, by ("queue", name), ("kind", name) and ("key", name)."""

    def __post_init__(self) -> None:
        self.parents = Parents(self.tasks)

    # ------------------------------------------------------------ questions

    def due(self, queue: str, kinds: Iterable[str], at: datetime) -> list[Task]:
        """What a claim may hand out, were there slots for all of it."""
        if queue in self.paused:
            return []
        return [
            t
            for t in self.tasks.values()
            if t.status == "PENDING"
            and t.queue == queue
            and t.kind in kinds
            and t.run_at <= at
            and (not t.has_parents or t.parents == "met")
        ]

    def room(self, what: str, name: str) -> float:
        """How many more of a queue, kind or key may run; below 0 where a limit was lowered."""
        limit = self.limits.get((what, name), 1 if what == "key" else None)
        if limit is None:
            return inf
        column = {"key": "concurrency_key"}.get(what, what)
        running = (t for t in self.tasks.values() if t.status == "PROCESSING")
        return limit - sum(getattr(t, column) == name for t in running)

    def fits(self, task: Task) -> bool:
        """Whether one more such task may run, by the limits of its kind and of its key."""
        key = task.concurrency_key
        return self.room("kind", task.kind) > 0 and (key is None or self.room("key", key) > 0)

    def running(self, fences: Iterable[Fence]) -> list[Task]:
        """The tasks whose attempt this is; the others are fenced off."""
        return [
            self.tasks[id_]
            for id_, attempt in fences
            if id_ in self.tasks
            and self.tasks[id_].status == "PROCESSING"
            and self.tasks[id_].attempt == attempt
        ]

    def key_is_taken(self, key: str | None) -> bool:
        return key is not None and any(
            t.unique_key == key and t.status in OPEN for t in self.tasks.values()
        )

    def is_alive(self, worker: int) -> bool:
        return worker in self.workers and self.workers[worker].ended_at is None

    # ------------------------------------------------------------ workers

    def claim(self, worker: int, ids: Iterable[int], at: datetime) -> None:
        """Which of the due ones a claim takes is for its caller to judge."""
        for task in (self.tasks[id_] for id_ in ids):
            task.status = "PROCESSING"
            task.attempt += 1
            task.worker, task.started_at, task.progress = worker, at, None

    def heartbeat(self, worker: int, at: datetime) -> bool:
        if alive := self.is_alive(worker):
            self.workers[worker].beat_at = at
        return alive

    def sign_off(self, worker: int, at: datetime) -> None:
        if self.is_alive(worker):
            self.workers[worker].ended_at = at

    # ------------------------------------------------------------ outcomes

    def complete(self, fences: list[Fence], at: datetime) -> set[int]:
        """The ids that are refused; an attempt that was COMPLETED before is not among them."""
        mine = self.running(fences)
        for task in mine:
            task.end("COMPLETED", at)
        self.meet(mine, at)
        return {
            id_
            for id_, attempt in fences
            if id_ not in self.tasks
            or (self.tasks[id_].status, self.tasks[id_].attempt) != ("COMPLETED", attempt)
        }

    def fail(
        self, fences: list[Fence], delays: list[float | None], at: datetime
    ) -> set[tuple[int, str]]:
        given = dict(zip((id_ for id_, _ in fences), delays, strict=True))
        mine = self.running(fences)
        for task in mine:
            task.failures += 1
            delay = given[task.id]
            if task.cancel_requested_at:
                task.end("CANCELLED", at)
            elif delay is None or task.failures >= task.max_attempts:
                task.end("FAILED", at)
            else:
                task.end("PENDING", at)
                task.run_at = at + timedelta(seconds=max(delay, 0))
        self.meet(mine, at)
        return {(task.id, task.status) for task in mine}

    def release(self, fences: list[Fence], at: datetime) -> set[tuple[int, str]]:
        mine = self.running(fences)
        for task in mine:
            task.end_without_verdict(at)
        self.meet(mine, at)
        return {(task.id, task.status) for task in mine}

    def report_progress(self, fences: list[Fence], fraction: float) -> None:
        for task in self.running(fences):
            task.progress = fraction

    def meet(self, ended: Iterable[Task], at: datetime) -> None:
        """Those of them that are final now let their children run, or cancel them."""
        final = [t.id for t in ended if t.status not in OPEN]
        if final:
            self.parents.meet(final, at)

    # ------------------------------------------------------------ sweeps

    def rescue(self, at: datetime) -> dict[int, int]:
        """How many tasks are taken from which worker."""
        for worker in self.workers.values():
            if worker.ended_at is None and worker.beat_at + LEASE < at:
                worker.ended_at = at
        stranded = [
            t for t in self.tasks.values() if t.worker is not None and not self.is_alive(t.worker)
        ]
        taken = Counter(t.worker for t in stranded if t.worker is not None)
        for task in stranded:
            task.crashes += 1
            if task.crashes >= CRASHES and not task.cancel_requested_at:
                task.end("FAILED", at)
            else:
                task.end_without_verdict(at)
        self.meet(stranded, at)
        return dict(taken)

    def release_strays(
        self, worker: int, held: set[int], before: datetime, at: datetime
    ) -> set[int]:
        strays = [
            t
            for t in self.tasks.values()
            if t.worker == worker and t.id not in held and t.started_at and t.started_at < before
        ]
        for task in strays:
            task.end_without_verdict(at)
        self.meet(strays, at)
        return {task.id for task in strays}

    def prune(self, older_than: timedelta, at: datetime) -> int:
        old = [
            t.id for t in self.tasks.values() if t.finished_at and t.finished_at < at - older_than
        ]
        for id_ in old:
            del self.tasks[id_]
        for worker in list(self.workers.values()):
            if worker.ended_at and worker.ended_at < at - WORKERS_KEPT:
                del self.workers[worker.id]
        return len(old)

    # ------------------------------------------------------------ people

    def cancel(self, id_: int, at: datetime) -> str | None:
        """The SQLSTATE of the refusal, or None."""
        task = self.tasks.get(id_)
        if task is None:
            return "RB404"
        if task.status not in OPEN:
            return "RB409"
        task.cancel_requested_at = task.cancel_requested_at or at
        if task.status == "PENDING":
            task.end("CANCELLED", at)
            self.meet([task], at)
        return None

    def retry(self, id_: int, at: datetime) -> str | None:
        """The SQLSTATE of the refusal, or None."""
        task = self.tasks.get(id_)
        if task is None:
            return "RB404"
        if task.status not in ("FAILED", "CANCELLED"):
            return "RB409"
        if self.key_is_taken(task.unique_key):
            return "23505"
        # What was cancelled before its time waits for it again.
        task.run_at = max(task.run_at, at) if task.status == "CANCELLED" else at
        task.end("PENDING", at)
        task.failures, task.crashes = 0, 0
        task.cancel_requested_at = task.progress = None
        task.parents = "met" if task.parents == "met" else None
        return None
