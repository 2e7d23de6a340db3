"""The rules of `after`, `after_batch` and `after_failure` in plain Python."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

OPEN = ("PENDING", "PROCESSING")
FAILED = ("FAILED", "CANCELLED")


class Parents:
    """Who waits for whom: `awaited` has, by child, the ids and batches that are not met."""

    def __init__(self, tasks: dict[int, Any]) -> None:
        self.tasks = tasks
        self.awaited: dict[int, set[int | str]] = {}

    def status(self, parent: int) -> str | None:
        return self.tasks[parent].status if parent in self.tasks else None

    def batch_is_open(self, batch: str) -> bool:
        return any(t.batch == batch and t.status in OPEN for t in self.tasks.values())

    def see(self, queue: str, at: datetime) -> None:
        """The first look at tasks with parents."""
        unseen = [t for t in self.tasks.values() if t.queue == queue and t.is_unseen]
        doomed = []
        for task in unseen:
            states = {parent: self.status(parent) for parent in task.after or ()}
            waits_for = {
                parent
                for parent, status in states.items()
                if status in OPEN or (status in FAILED and task.after_failure == "wait")
            }
            if task.after_batch and self.batch_is_open(task.after_batch):
                waits_for.add(task.after_batch)
            if waits_for:
                self.awaited[task.id] = waits_for
            if any(self.dooms(task, status) for status in states.values()):
                doomed.append(task.id)
        self.cancel(doomed, at)
        for task in unseen:
            if task.status == "PENDING":
                task.parents = "open" if self.awaited.get(task.id) else "met"

    def dooms(self, child: Any, status: str | None) -> bool:
        """Whether a parent that is so cancels its child; None: it was deleted."""
        if status is None:
            return bool(child.after_failure != "run")
        return status in FAILED and bool(child.after_failure == "cancel")

    def cancel(self, doomed: Iterable[int], at: datetime) -> None:
        cancelled = [id_ for id_ in doomed if self.status(id_) == "PENDING"]
        for id_ in cancelled:
            self.tasks[id_].end("CANCELLED", at)
        if cancelled:
            self.meet(cancelled, at)

    def meet(self, finished: Iterable[int], at: datetime) -> None:
        """These tasks have become final: their children run, or are cancelled, or wait on."""
        finished = list(finished)
        for id_ in finished:
            self.awaited.pop(id_, None)
        children = {c for c, left in self.awaited.items() if left.intersection(finished)}
        for batch in self.batches(finished):
            if not self.batch_is_open(batch):
                for child, left in self.awaited.items():
                    if batch in left:
                        left.discard(batch)
                        children.add(child)
        self.cancel([c for c in children if self.is_doomed_by(finished, c)], at)
        for child in children & set(self.awaited):
            task = self.tasks[child]
            self.awaited[child] -= {
                parent
                for parent in finished
                if task.after_failure == "run" or self.status(parent) == "COMPLETED"
            }
            if task.status == "PENDING" and task.parents == "open" and not self.awaited[child]:
                task.parents = "met"

    def batches(self, ids: Iterable[int]) -> set[str]:
        return {self.tasks[id_].batch for id_ in ids if id_ in self.tasks} - {None}

    def meet_missed(self, at: datetime) -> None:
        """Of parents that are deleted nobody else takes notice."""
        parents = set().union(*self.awaited.values())
        self.meet([p for p in parents if isinstance(p, int) and p not in self.tasks], at)

    def is_doomed_by(self, finished: list[int], child: int) -> bool:
        task = self.tasks[child]
        return any(
            self.dooms(task, self.status(parent))
            for parent in self.awaited[child].intersection(finished)
        )
