"""The card of a run: what was done to the service, and what became of it."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from faults.chaos.evidence import Evidence
from faults.chaos.ledger import Fate
from faults.chaos.limits import LIMITS
from faults.chaos.options import Options
from faults.chaos.overlaps import overlaps
from faults.chaos.problems import Problem, highest
from faults.chaos.recovery import recovery

SORTS = ("lost", "doubled", "overlapped", "exceeded", "broken")


def card(
    options: Options, evidence: Evidence, found: list[Problem], settled: float | None
) -> dict[str, Any]:
    """Everything as plain values. settled: seconds since the last fault; None: it never was."""
    runs = [run for runs in evidence.runs.values() for run in runs]
    by_commits = highest(evidence)
    return {
        "seed": options.seed,
        "seconds": options.seconds,
        "rate": options.rate,
        "workers": options.workers,
        "lease_seconds": options.lease_seconds,
        "tasks": {fate.value: evidence.ledger.count(fate) for fate in Fate},
        "statuses": dict(Counter(task["status"] for task in evidence.tasks.values())),
        "attempts": {
            "begun": len(runs),
            "failed": sum(task["failures"] for task in evidence.tasks.values()),
            "lost": sum(task["crashes"] for task in evidence.tasks.values()),
            "refused": evidence.refused,
            "overlapped_while_stopped": sum(each.is_allowed for each in overlaps(evidence)),
        },
        "effects": sum(map(len, evidence.effects.values())),
        "processes": len(evidence.lives),
        "failed_starts": sum(not life.was_ready for life in evidence.lives if not life.asked),
        "server_errors": dict(Counter(evidence.server_errors).most_common()),
        "faults": dict(Counter(fault.sort for fault in evidence.faults).most_common()),
        "warnings": dict(sorted(evidence.events.items())),
        "limits": {
            limit.group: {
                "most": limit.most,
                "sampled": evidence.watch.highest[place],
                "by_commits": by_commits[limit.group],
            }
            for place, limit in enumerate(LIMITS)
        },
        "samples": evidence.watch.samples,
        "recovery": {
            name: round(value, 2) if isinstance(value, float) else value
            for name, value in asdict(recovery(evidence)).items()
        },
        "settled_seconds": None if settled is None else round(settled, 1),
        **{sort: sum(problem.sort == sort for problem in found) for sort in SORTS},
    }


def lines(facts: dict[str, Any]) -> list[str]:
    """The card for people."""
    tasks, attempts, recovered = facts["tasks"], facts["attempts"], facts["recovery"]
    faults = facts["faults"]
    keys = [value for group, value in facts["limits"].items() if group.startswith("key")]
    limits = [
        *(facts["limits"][group] | {"group": group} for group in ("kind", "queue")),
        max(keys, key=lambda value: int(value["by_commits"])) | {"group": "key"},
    ]
    settled = facts["settled_seconds"]
    rows = [
        ("run", f"seed {facts['seed']}, {facts['seconds']:g} s, {facts['rate']:g} tasks/s,"
                f" {facts['workers']} workers, lease {facts['lease_seconds']:g} s"),
        ("tasks", f"{tasks['committed']:,} committed, {tasks['rolled back']:,} rolled back,"
                  f" {tasks['unknown']:,} whose commit nobody heard"),
        ("became", _counted(facts["statuses"])),
        ("attempts", f"{attempts['begun']:,} begun, {attempts['failed']:,} failed,"
                     f" {attempts['lost']:,} lost with their worker,"
                     f" {attempts['refused']:,} late outcomes refused"),
        ("faults", f"{sum(faults.values())}: {_counted(faults)}; {facts['processes']} processes,"
                   f" {facts['failed_starts']} of which found no PostgreSQL to start on"),
        ("lost", f"{facts['lost']}"),
        ("doubled", f"{facts['doubled']}; {facts['effects']:,} effects of context.transaction()"),
        ("overlapped", f"{facts['overlapped']}; {attempts['overlapped_while_stopped']}"
                       " while their process was stopped, their outcomes refused"),
        ("limits", f"exceeded {facts['exceeded']}; "
                   + ", ".join(f"{each['group']} {each['by_commits']} of {each['most']}"
                               for each in limits)
                   + f"; {facts['samples']:,} samples, and every commit"),
        ("broken", f"{facts['broken']}"),
        ("recovery", f"slowest first completion {recovered['first_completion']:.1f} s"
                     f" ({recovered['after']}); once PostgreSQL was back"
                     f" {recovered['server_back']:.1f} s; longest backlog"
                     f" {recovered['backlog']:.1f} s; tasks of a killed worker begun again"
                     f" within {recovered['rescue']:.1f} s"),
        ("settled", "never" if settled is None else f"{settled:.1f} s after the last fault"),
    ]  # fmt: skip
    return [f"{name:<11} {text}" for name, text in rows]


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
