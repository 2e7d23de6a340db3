"""Schedules: what @task may say, the next runs, and what becomes of missed ones."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from rowbell.decorator import describe
from rowbell.errors import ConfigurationError
from rowbell.schedule import MOST_MISSED, Missed, Schedule, read_every

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def schedule(**given: Any) -> Schedule:
    options = {"every": None, "cron": None, "time_zone": None, "missed": None, **given}
    read = Schedule.read(**options)
    assert read
    return read


def minutes(*numbers: float) -> list[datetime]:
    return [NOON + timedelta(minutes=number) for number in numbers]


@pytest.mark.parametrize(
    ("every", "seconds"),
    [
        (1, 1),
        (0.5 + 1, 1.5),
        ("90s", 90),
        ("15m", 900),
        ("1h30m", 5_400),
        ("2d", 172_800),
        (timedelta(hours=1), 3_600),
    ],
)
def test_an_interval_is_seconds_words_or_a_timedelta(every: Any, seconds: float) -> None:
    assert read_every(every) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "every", [0, -1, 0.9, float("nan"), float("inf"), 1e300, "0s", "367d", timedelta()]
)
def test_an_interval_out_of_reach_is_refused(every: Any) -> None:
    with pytest.raises(ValueError, match="is not from one second to 366 days"):
        read_every(every)


@pytest.mark.parametrize("every", ["", "soon", "15", "15 m", "1m1h", "1.5h", "-5m"])
def test_an_interval_that_cannot_be_read_is_refused(every: str) -> None:
    with pytest.raises(ValueError, match='is not like "90s", "15m", "1h30m" or "2d"'):
        read_every(every)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"every": "1h", "cron": "0 * * * *"}, "say two things"),
        ({"every": "1h", "time_zone": "Europe/Berlin"}, "needs no time_zone"),
        ({"every": "1h", "missed": "some"}, 'is not "skip", "once" or "all"'),
        ({"cron": "x"}, "has not five fields"),
        ({"missed": "all"}, "needs cron= or every="),
        ({"time_zone": "UTC"}, "needs cron= or every="),
    ],
)
def test_what_task_cannot_mean_is_refused(given: dict[str, Any], sentence: str) -> None:
    def recurring() -> None: ...

    with pytest.raises(ConfigurationError) as caught:
        describe(recurring, **given)
    assert str(caught.value).startswith("@task on ")
    assert sentence in str(caught.value)


def test_task_keeps_its_schedule_and_once_is_the_default() -> None:
    def recurring() -> None: ...

    handler = describe(recurring, cron="0 6 * * *", time_zone="Europe/Berlin")
    assert handler.schedule == Schedule(
        cron="0 6 * * *", every=None, time_zone="Europe/Berlin", missed="once"
    )
    assert describe(recurring).schedule is None


def test_an_interval_counts_from_the_start_whenever_one_asks() -> None:
    runs = schedule(every="10m").runs(NOON + timedelta(minutes=25), starts_at=NOON)
    assert list(islice(runs, 2)) == minutes(30, 40)
    assert next(schedule(every="10m").runs(NOON, starts_at=NOON)) == minutes(10)[0]


def test_nothing_runs_before_the_start() -> None:
    assert next(schedule(every="10m").runs(NOON, starts_at=minutes(5)[0])) == minutes(5)[0]
    assert next(schedule(cron="* * * * *").runs(NOON, starts_at=minutes(5)[0])) == minutes(5)[0]


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
def test_a_run_in_time_is_enqueued_whatever_the_policy(missed: Missed) -> None:
    due = schedule(every="10m", missed=missed).due(NOON, minutes(1)[0], starts_at=NOON)
    assert (due.runs, due.following, due.were_missed) == ([NOON], minutes(10)[0], False)


@pytest.mark.parametrize(
    ("missed", "runs"), [("skip", []), ("once", [30]), ("all", [0, 10, 20, 30])]
)
def test_missed_runs_are_skipped_made_up_for_once_or_all_made_up_for(
    missed: Missed, runs: list[float]
) -> None:
    due = schedule(every="10m", missed=missed).due(NOON, minutes(35)[0], starts_at=NOON)
    assert (due.runs, due.following, due.were_missed) == (minutes(*runs), minutes(40)[0], True)


def test_the_latest_run_is_not_missed_while_it_is_fresh() -> None:
    due = schedule(every="10m", missed="skip").due(NOON, minutes(30.5)[0], starts_at=NOON)
    assert (due.runs, due.were_missed) == (minutes(30), True)


def test_a_single_run_is_missed_when_it_is_a_minute_late() -> None:
    daily = schedule(cron="0 12 * * *", missed="skip")
    assert daily.due(NOON, minutes(1)[0], starts_at=NOON).runs == [NOON]
    assert daily.due(NOON, minutes(1.1)[0], starts_at=NOON).runs == []


def test_a_thousand_runs_at_most_are_made_up_for_and_they_are_the_latest() -> None:
    later = NOON + timedelta(days=300)
    due = schedule(cron="* * * * *", missed="all").due(NOON, later, starts_at=NOON)
    assert (len(due.runs), due.runs[-1], due.were_dropped) == (MOST_MISSED, later, True)
    most = schedule(every=1, missed="all").due(
        NOON, NOON + timedelta(seconds=MOST_MISSED - 1), starts_at=NOON
    )
    assert (len(most.runs), most.were_dropped) == (MOST_MISSED, False)


@pytest.mark.parametrize("given", [{"every": 1}, {"cron": "* * * * *"}])
def test_years_of_missed_runs_are_passed_over_and_not_counted_one_by_one(
    given: dict[str, Any],
) -> None:
    later = NOON + timedelta(days=36_500)
    assert schedule(**given).due(NOON, later, starts_at=NOON).runs == [later]


def test_a_rare_run_is_found_in_a_long_absence() -> None:
    yearly = schedule(cron="0 0 1 1 *", missed="once")
    due = yearly.due(NOON, NOON + timedelta(days=400), starts_at=NOON)
    assert due.runs == [datetime(2027, 1, 1, tzinfo=UTC)]
    assert due.following == datetime(2028, 1, 1, tzinfo=UTC)


def test_a_run_that_somebody_moved_by_hand_counts_as_well() -> None:
    moved = NOON + timedelta(seconds=7)
    due = schedule(cron="0 * * * *").due(moved, moved, starts_at=NOON)
    assert (due.runs, due.following) == ([moved], minutes(60)[0])
