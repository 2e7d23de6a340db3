"""What the chaos run asks at the end is asked of histories whose answer is known."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from faults.chaos.evidence import Evidence, Verdict
from faults.chaos.fleet import Life
from faults.chaos.ledger import Fate, Ledger
from faults.chaos.problems import highest, problems
from faults.chaos.record import Run

TASK = {
    "id": 7, "number": 1, "group": "key0", "kind": "chaos_noop", "status": "COMPLETED",
    "attempt": 1, "failures": 0, "crashes": 0, "worker": 1, "error": None, "most": 9,
}  # fmt: skip


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    """One task that was committed, claimed once and completed once; processes 100 and 200."""
    log = tmp_path / "log"
    log.write_text("")
    return Evidence(
        ledger=Ledger({1: Fate.COMMITTED}),
        faults=[],
        watch=_Quiet(),  # type: ignore[arg-type]
        lives=[Life(100, log, 0, 90, asked="killed"), Life(200, log, 0, 90, asked="killed")],
        tasks={7: TASK},
        changes=[change(10, "PENDING", "PROCESSING"), change(12, "PROCESSING", "COMPLETED")],
        effects=defaultdict(list),
        runs=defaultdict(list, {7: [Run(7, 1, 1, "key0", 100, 10, 11, "returned")]}),
        verdicts=defaultdict(list, {7: [Verdict(100, 1, "task.completed")]}),
        refused=0,
        events={},
    )


class _Quiet:
    """A watch that saw nothing."""

    exceeded: tuple[()] = ()


def change(at: float, before: str, after: str, task: int = 7) -> dict[str, Any]:
    return {"task_id": task, "attempt": 1, "before": before, "after": after, "committed_at": at}


def sorts(evidence: Evidence) -> set[str]:
    return {problem.sort for problem in problems(evidence)}


def test_history_without_fault_raises_no_problem(evidence: Evidence) -> None:
    assert problems(evidence) == []


def test_committed_row_that_is_missing_is_lost(evidence: Evidence) -> None:
    evidence.ledger.settle([2], Fate.COMMITTED)
    assert sorts(evidence) == {"lost"}


def test_row_whose_commit_nobody_heard_may_be_missing(evidence: Evidence) -> None:
    evidence.ledger.settle([2], Fate.UNKNOWN)
    assert sorts(evidence) == set()


def test_task_that_is_not_final_is_lost(evidence: Evidence) -> None:
    evidence.tasks[7] = TASK | {"status": "PROCESSING"}
    assert sorts(evidence) == {"lost"}


def test_row_that_was_rolled_back_and_is_there_is_a_problem(evidence: Evidence) -> None:
    evidence.ledger.settle([1], Fate.ROLLED_BACK)
    assert sorts(evidence) == {"broken"}


def test_attempt_that_is_handed_out_twice_is_doubled(evidence: Evidence) -> None:
    evidence.runs[7].append(Run(7, 1, 1, "key0", 200, 20, 21, "returned"))
    assert sorts(evidence) == {"doubled"}


def test_outcome_of_two_processes_is_doubled(evidence: Evidence) -> None:
    evidence.verdicts[7].append(Verdict(200, 2, "task.completed"))
    assert sorts(evidence) == {"doubled"}


def test_second_effect_is_doubled_and_a_missing_one_is_lost(evidence: Evidence) -> None:
    evidence.tasks[7] = TASK | {"kind": "chaos_effect"}
    assert sorts(evidence) == {"lost"}
    evidence.effects[7] = [object(), object()]
    assert sorts(evidence) == {"doubled"}


def test_two_attempts_at_the_same_time_overlap(evidence: Evidence) -> None:
    evidence.runs[7].append(Run(7, 2, 1, "key0", 200, 10.5, 11.5, "returned"))
    assert sorts(evidence) == {"overlapped"}


def test_stopped_process_may_be_within_its_handler_when_the_next_attempt_begins(
    evidence: Evidence,
) -> None:
    evidence.runs[7].append(Run(7, 2, 1, "key0", 200, 10.5, 11.5, "returned"))
    evidence.lives[0].stops = [(10.2, 10.9)]
    assert sorts(evidence) == set()


def test_limits_are_counted_in_the_order_of_commits(evidence: Evidence) -> None:
    evidence.ledger.settle([2], Fate.COMMITTED)
    evidence.tasks[8] = TASK | {"id": 8, "number": 2}
    evidence.changes += [
        change(12, "PENDING", "PROCESSING", 8),  # in the instant in which the other one ends
        change(14, "PROCESSING", "COMPLETED", 8),
    ]
    assert highest(evidence)["key0"] == 1
    evidence.changes[2]["committed_at"] = 11
    assert highest(evidence)["key0"] == 2
    assert "exceeded" in sorts(evidence)
