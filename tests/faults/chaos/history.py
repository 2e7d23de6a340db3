"""The history of a task, for whoever has to find out why a promise was not kept."""

from collections import defaultdict

from faults.chaos.evidence import Evidence
from faults.chaos.problems import Problem

TASKS = 10
"""So many are told of each sort of problem."""


def histories(evidence: Evidence, found: list[Problem]) -> list[str]:
    """Each problem, and what happened to its task in the order of time."""
    told: dict[str, int] = defaultdict(int)
    lines: list[str] = []
    for problem in found:
        told[problem.sort] += 1
        if told[problem.sort] > TASKS:
            continue
        name = "" if problem.task is None else f" task {problem.task}:"
        lines.append(f"{problem.sort}:{name} {problem.sentence}")
        if problem.task is not None:
            lines += [f"    {line}" for line in _history(evidence, problem.task)]
    lines += [f"{sort}: {n - TASKS} more" for sort, n in told.items() if n > TASKS]
    return lines


def _history(evidence: Evidence, task_id: int) -> list[str]:
    events: list[tuple[float, str]] = [
        (change["committed_at"], _change(change))
        for change in evidence.changes
        if change["task_id"] == task_id
    ]
    for run in evidence.runs[task_id]:
        who = f"attempt {run.attempt} in process {run.process}"
        events.append((run.began, f"{who} begins"))
        if run.ended:
            events.append((run.ended, f"{who} {run.how}"))
    if not events:
        return []
    first, last = min(events)[0], max(events)[0]
    for fault in evidence.faults:
        ended = fault.ended or last
        if fault.began <= last and ended >= first - 1:
            span = f"{fault.sort} {fault.target}".rstrip()
            events += [(fault.began, f"[{span} begins]"), (ended, f"[{span} ends]")]
    task = evidence.tasks.get(task_id)
    head = f"{task['kind']}, now {task['status']}, attempt {task['attempt']}" if task else "no row"
    return [head, *(f"{at:.3f} {text}" for at, text in sorted(events))]


def _change(change: dict[str, object]) -> str:
    return (
        f"{change['before']} -> {change['after']} (attempt {change['attempt']},"
        f" worker {change['worker']})"
    )
