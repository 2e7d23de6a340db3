"""What must not be: each check names the tasks for which it does not hold."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from faults.chaos.evidence import FINAL, Evidence
from faults.chaos.ledger import Fate
from faults.chaos.limits import LIMITS
from faults.chaos.overlaps import overlaps

EXPECTED = re.compile(
    "is not registered any more"  # a claim of a worker that was lost
    "|is (COMPLETED|FAILED|CANCELLED) already"  # a cancel that came too late
    "|canceling statement due to (user request|lock timeout)"
)
"""Refusals of PostgreSQL that belong to the service at work."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One promise that was not kept."""

    sort: str
    """lost, doubled, overlapped, exceeded or broken."""
    sentence: str
    task: int | None = None


def problems(evidence: Evidence) -> list[Problem]:
    """Every promise that was not kept, for every task."""
    return [
        *_lost(evidence),
        *_imagined(evidence),
        *_doubled(evidence),
        *_unearned(evidence),
        *_overlapped(evidence),
        *_exceeded(evidence),
        *_broken(evidence),
    ]


def _lost(evidence: Evidence) -> Iterator[Problem]:
    ids = {task["number"]: task["id"] for task in evidence.tasks.values()}
    for task in evidence.tasks.values():
        if task["status"] not in FINAL:
            yield Problem("lost", f"it is still {task['status']}", task["id"])
        if ids[task["number"]] != task["id"]:
            yield Problem("doubled", f"row {task['number']} is there twice", task["id"])
    for number, fate in evidence.ledger.fates.items():
        if fate is Fate.COMMITTED and number not in ids:
            yield Problem("lost", f"row {number} was committed and is not there")


def _imagined(evidence: Evidence) -> Iterator[Problem]:
    """What was rolled back is not there, and what is not there has not run."""
    fates = evidence.ledger.fates
    for task in evidence.tasks.values():
        if fates.get(task["number"]) not in (Fate.COMMITTED, Fate.UNKNOWN):
            yield Problem("broken", "it is there, and nobody has committed it", task["id"])
    for task_id, runs in evidence.runs.items():
        if task_id not in evidence.tasks and fates.get(runs[0].number) is not Fate.UNKNOWN:
            yield Problem("broken", f"row {runs[0].number} ran and is not there", task_id)


def _doubled(evidence: Evidence) -> Iterator[Problem]:
    endings = Counter(change["task_id"] for change in evidence.changes if change["after"] in FINAL)
    begun = Counter((r.task, r.attempt) for runs in evidence.runs.values() for r in runs)
    for (task_id, attempt), times in begun.items():
        if times > 1:
            yield Problem("doubled", f"attempt {attempt} was handed out {times} times", task_id)
    for task_id, task in evidence.tasks.items():
        if endings[task_id] > 1:
            yield Problem("doubled", f"it became final {endings[task_id]} times", task_id)
        if len(set(evidence.verdicts[task_id])) > 1:
            told = ", ".join(f"{v.event} by {v.process}" for v in evidence.verdicts[task_id])
            yield Problem("doubled", f"workers wrote several outcomes: {told}", task_id)
        wanted = int(task["kind"] == "chaos_effect" and task["status"] == "COMPLETED")
        if (found := len(evidence.effects[task_id])) != wanted:
            yield Problem(
                "doubled" if found > wanted else "lost",
                f"it is {task['status']} and has {found} effects, not {wanted}",
                task_id,
            )


def _unearned(evidence: Evidence) -> Iterator[Problem]:
    """An outcome needs an attempt that ended so, and FAILED needs all of its failures."""
    for task_id, task in evidence.tasks.items():
        last = [run for run in evidence.runs[task_id] if run.attempt == task["attempt"]]
        if task["status"] == "COMPLETED" and not any(run.how == "returned" for run in last):
            committed = evidence.effects[task_id]  # a killed process writes no end
            if not committed:
                yield Problem("broken", "it is COMPLETED, and no handler returned", task_id)
        exhausted = task["failures"] >= task["most"] or task["error"] == "WorkerLost"
        if task["status"] == "FAILED" and not exhausted:
            yield Problem("broken", f"it is FAILED by {task['error']} too early", task_id)


def _overlapped(evidence: Evidence) -> Iterator[Problem]:
    for overlap in overlaps(evidence):
        if not overlap.is_allowed:
            yield Problem("overlapped", overlap.sentence, overlap.earlier.task)


def _exceeded(evidence: Evidence) -> Iterator[Problem]:
    for at, group, count in evidence.watch.exceeded[:100]:
        yield Problem("exceeded", f"{count} of {group} ran at {at:.3f}")
    for group, count in highest(evidence).items():
        most = next(limit.most for limit in LIMITS if limit.group == group)
        if count > most:
            yield Problem("exceeded", f"by the commits, {count} of {group} ran at once, not {most}")


def highest(evidence: Evidence) -> dict[str, int]:
    """How many of each limit were PROCESSING at once, by the times of the commits.

    Whoever begins a task within a limit has seen the end of another, so its commit is the later
    one: in this order no legal history exceeds a limit.
    """
    running: dict[str, int] = defaultdict(int)
    most: dict[str, int] = defaultdict(int)
    steps = [
        (change["committed_at"], step, evidence.tasks[change["task_id"]]["group"])
        for change in evidence.changes
        if change["task_id"] in evidence.tasks
        and (step := (change["after"] == "PROCESSING") - (change["before"] == "PROCESSING"))
    ]
    for _, step, group in sorted(steps):
        running[group] += step
        most[group] = max(most[group], running[group])
    return {limit.group: most[limit.group] for limit in LIMITS}


def _broken(evidence: Evidence) -> Iterator[Problem]:
    for refusal in evidence.ledger.refusals:
        yield Problem("broken", f"an INSERT was refused: {refusal}")
    for life in evidence.lives:
        place = f"process {life.process} ({life.log.name})"
        if not life.asked and life.was_ready:
            yield Problem("broken", f"{place} ended by itself with {life.code}")
        if life.asked == "drained" and life.was_ready and life.code != 0:
            yield Problem("broken", f"{place} was drained and ended with {life.code}")
    for error in sorted(set(evidence.server_errors)):
        if not EXPECTED.search(error):
            yield Problem("broken", f"PostgreSQL refused a statement: {error}")
    for line in evidence.errors:
        yield Problem("broken", f"an error in a log: {line[:600]}")
