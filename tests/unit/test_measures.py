"""What a process measures by name, and where that ends."""

from rowbell.measures import BOUNDS, MOST_PAIRS, OTHER, Distribution, Measures
from rowbell.task import Claim


def claim(kind: str = "echo", queue: str = "default", wait: float = 0.0) -> Claim:
    return Claim(1, 1, kind, 0, None, "{}", wait, queue=queue)


def test_a_value_counts_up_to_its_bound_and_beyond_the_last_too() -> None:
    values = Distribution()
    for value in (0.001, 0.0011, 86_401.0):
        values.add(value)
    assert (values.counts[0], values.counts[1], values.counts[-1]) == (1, 1, 1)
    assert (sum(values.counts), values.total) == (3, 86_401.0021)


def test_attempts_are_told_apart_by_queue_kind_and_outcome() -> None:
    measures = Measures()
    measures.claimed([claim(wait=0.3), claim(), claim("mail", "slow")])
    measures.ended(claim(), "completed", 2.0)
    measures.ended(claim(), "retried", 0.2)
    echo = measures.pairs["default", "echo"]
    assert (sum(echo.waits.counts), echo.waits.total) == (2, 0.3)
    assert (echo.ended["completed"], echo.ended["retried"], echo.ended["failed"]) == (1, 1, 0)
    assert echo.runs.total == 2.2
    assert sum(measures.pairs["slow", "mail"].waits.counts) == 1


def test_what_is_beyond_the_most_pairs_is_other() -> None:
    measures = Measures()
    measures.claimed([claim(f"kind_{number}") for number in range(MOST_PAIRS + 10)])
    assert len(measures.pairs) == MOST_PAIRS + 1
    assert sum(measures.pairs[OTHER, OTHER].waits.counts) == 10
    measures.claimed([claim("kind_0")])
    assert sum(measures.pairs["default", "kind_0"].waits.counts) == 2


def test_bounds_rise() -> None:
    assert list(BOUNDS) == sorted(set(BOUNDS))
