"""How live screens and sparklines look, without a terminal."""

from datetime import UTC, datetime, timedelta

from rich.console import ConsoleDimensions

from rowbell.cli.stats import WIDTH, sparkline, squeezed
from rowbell.cli.top_screen import Seen, drawn
from rowbell.db.history import Step
from rowbell.db.queues import QueueLine
from rowbell.db.roster import Running, WorkerLine
from rowbell.db.stats import Histogram
from rowbell.db.summary import Summary

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
NONE = Histogram(bounds=[], counts=[])


def seen(queues: int, workers: int, running: int) -> Seen:
    lines = [
        QueueLine(
            name=f"queue_{number}",
            paused_at=NOW if number == 0 else None,
            paused_by=None,
            pending=5,
            due=5,
            scheduled=1,
            held=1,
            is_capped=number == 1,
            processing=2,
            oldest_due_seconds=61.0,
            max_running=3,
            rate=1.5,
            burst=1,
            throughput=12.34,
            kinds=["echo"],
            workers=1,
        )
        for number in range(queues)
    ]
    tasks = [
        Running(
            task_id=number,
            worker=0,
            kind="render",
            queue="default",
            description="a very long description " * 10 + "\x1b[31m",
            attempt=1,
            started_at=NOW,
            seconds=float(number),
            progress=0.5,
            cancel_requested=False,
        )
        for number in range(running)
    ]
    roster = [
        WorkerLine(
            id=number,
            host="host",
            pid=number,
            version="0",
            state="running",
            queues=["*"],
            kinds=["render"],
            slots=10,
            busy=3,
            started_at=NOW,
            last_seen_at=NOW,
            silent_seconds=0.3,
            lease_seconds=30,
            ended_at=None,
            tally=None,
            on_duty_for=[],
            running=tasks if number == 0 else [],
        )
        for number in range(workers)
    ]
    counts = '{"PENDING": 1200, "PROCESSING": 2}'
    summary = Summary(at=NOW, counts=counts, workers=workers, slots=10, busy=3)
    return Seen(summary=summary, queues=lines, workers=roster)


def test_a_full_screen_fits_80x24_and_says_what_it_leaves_out() -> None:
    lines = drawn(seen(20, 20, 50), ConsoleDimensions(80, 24)).plain.split("\n")
    assert len(lines) == 24
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line.endswith("more")] == [
        "… 16 more",
        "… 16 more",
        "… 45 more",
    ]
    assert lines[-1] == "q ends it"
    assert "1,200 PENDING" in lines[0]
    assert any(line.startswith("queue_0") and "paused, 3 at once, 1.5/s" in line for line in lines)


def test_what_one_table_does_not_need_the_next_one_gets() -> None:
    lines = drawn(seen(1, 1, 50), ConsoleDimensions(80, 24)).plain.split("\n")
    assert sum("render" in line for line in lines) == 13
    assert len(lines) == 24


def test_the_longest_running_task_comes_first_and_steers_no_terminal() -> None:
    lines = drawn(seen(1, 1, 3), ConsoleDimensions(300, 24)).plain.split("\n")
    assert [line.split()[0] for line in lines if "render" in line] == ["2", "1", "0"]
    assert "\x1b" not in "".join(lines)


def test_a_screen_that_is_too_small_is_cut() -> None:
    lines = drawn(seen(5, 5, 5), ConsoleDimensions(20, 8)).plain.split("\n")
    assert (len(lines), max(map(len, lines))) == (8, 20)


def test_a_problem_takes_the_last_line() -> None:
    look = seen(1, 1, 1)
    look.problem = "PostgreSQL is not available."
    assert drawn(look, ConsoleDimensions(80, 24)).plain.split("\n")[-1] == look.problem


def test_the_highest_value_is_the_full_block_and_nothing_is_blank() -> None:
    assert sparkline([0, 1, 50, 100]) == " ▂▅█"
    assert sparkline([0, 0]) == ""


def test_steps_are_summed_into_the_width_the_latest_at_the_right() -> None:
    steps = [
        Step(
            at=NOW + timedelta(minutes=minute),
            seconds=60,
            created=1,
            started=0,
            completed=0,
            failed=0,
            cancelled=0,
            retried=0,
            lost=0,
            waits=NONE,
            runs=NONE,
        )
        for minute in (0, 58, 59)
    ]
    sums = squeezed(steps, "created", timedelta(hours=1))
    assert (len(sums), sum(sums), sums[0], sums[-1]) == (WIDTH, 3, 1, 2)
