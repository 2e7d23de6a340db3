"""What becomes of the lines of a fault that repeats."""

import io

import pytest
import structlog

from rowbell import logs
from rowbell.logs import log
from rowbell.repeats import MOST_KINDS, WINDOW_SECONDS, Repeats


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def line(
    event: str = "claim.failed", level: str = "warning", **fields: object
) -> dict[str, object]:
    return {"event": event, "level": level, **fields}


def test_lines_beyond_the_most_are_left_out_and_counted() -> None:
    clock = Clock()
    repeats = Repeats(2, clock)
    assert [repeats.is_too_many(line(queue="a")) for _ in range(5)] == [0, 0, 1, 1, 1]
    assert list(repeats.ended()) == []
    clock.now = WINDOW_SECONDS
    assert list(repeats.ended()) == [{"of": "claim.failed", "lines": 3, "queue": "a"}]
    assert not repeats.is_too_many(line(queue="a"))


def test_another_queue_is_another_fault() -> None:
    repeats = Repeats(1, Clock())
    assert not repeats.is_too_many(line(queue="a"))
    assert not repeats.is_too_many(line(queue="b"))
    assert repeats.is_too_many(line(queue="a", reason="something else"))


@pytest.mark.parametrize("other", [line(level="info"), line("task.exhausted")])
def test_what_is_no_fault_or_about_one_task_is_always_written(other: dict[str, object]) -> None:
    repeats = Repeats(1, Clock())
    assert not any(repeats.is_too_many(other) for _ in range(5))


def test_zero_leaves_nothing_out() -> None:
    repeats = Repeats(0, Clock())
    assert not any(repeats.is_too_many(line()) for _ in range(5))


def test_faults_without_number_take_no_memory_without_end() -> None:
    repeats = Repeats(1, Clock())
    for number in range(3 * MOST_KINDS):
        list(repeats.ended())
        repeats.is_too_many(line(queue=f"queue_{number}"))
    assert len(repeats._windows) <= MOST_KINDS + 1


def test_the_last_line_of_a_process_is_preceded_by_what_was_left_out() -> None:
    written = io.StringIO()
    limit = logs._Limit(1)
    structlog.configure(
        processors=[
            logs._check_event,
            structlog.processors.add_log_level,
            limit,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.WriteLoggerFactory(written),
        cache_logger_on_first_use=False,
    )
    try:
        for _ in range(4):
            log.warning("claim.failed", queue="a")
        log.info("service.stopped")
    finally:
        structlog.reset_defaults()
    first, second, last = written.getvalue().splitlines()
    assert first.startswith("event='claim.failed'")
    assert second.startswith("event='log.suppressed' of='claim.failed' lines=3 queue='a'")
    assert last.startswith("event='service.stopped'")
