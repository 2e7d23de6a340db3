"""Backoff: how retries spread."""

from rowbell.backoff import LEAST_SECONDS, MOST_SECONDS, exponential


def test_window_doubles_with_each_failure() -> None:
    longest = [max(exponential(failures) for _ in range(500)) for failures in (1, 2, 3, 4)]
    for window, seconds in zip((1, 2, 4, 8), longest, strict=True):
        assert window * 0.8 < seconds <= window


def test_jitter_is_full() -> None:
    waits = [exponential(10) for _ in range(2000)]
    assert min(waits) < 512 * 0.05
    assert max(waits) > 512 * 0.95


def test_wait_has_a_least_and_a_most_however_many_failures() -> None:
    waits = [exponential(failures) for failures in (1, 50, 1000) for _ in range(200)]
    assert min(waits) >= LEAST_SECONDS
    assert max(waits) <= MOST_SECONDS
