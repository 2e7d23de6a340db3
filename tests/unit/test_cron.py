"""Cron expressions, above all where the clocks change."""

import re
from datetime import UTC, datetime
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from rowbell.cron import Cron

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def local_runs(expression: str, zone: str, after: str, count: int = 3) -> list[str]:
    """The next runs, as the clocks of the zone show them, with their offsets."""
    begin = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    runs = islice(Cron.read(expression, zone).runs(begin), count)
    return [run.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M %z") for run in runs]


@pytest.mark.parametrize(
    ("zone", "after", "runs"),
    [
        (BERLIN, "2026-03-28T12:00", ["03-29 03:00 +0200", "03-30 02:30 +0200"]),
        (NEW_YORK, "2026-03-07T12:00", ["03-08 03:00 -0400", "03-09 02:30 -0400"]),
        (BERLIN, "2026-10-24T12:00", ["10-25 02:30 +0200", "10-26 02:30 +0100"]),
    ],
)
def test_a_time_that_the_clocks_skip_runs_once_after_the_gap_and_one_shown_twice_runs_once(
    zone: str, after: str, runs: list[str]
) -> None:
    assert local_runs("30 2 * * *", zone, after, 2) == runs


def test_a_time_that_is_shown_twice_runs_at_the_first() -> None:
    runs = ["11-01 01:30 -0400", "11-02 01:30 -0500"]
    assert local_runs("30 1 * * *", NEW_YORK, "2026-10-31T12:00", 2) == runs


def test_several_times_in_one_gap_are_one_run() -> None:
    runs = local_runs("0,15,30 2,3 * * *", BERLIN, "2026-03-29T01:00")
    assert runs == ["03-29 03:00 +0200", "03-29 03:15 +0200", "03-29 03:30 +0200"]


def test_a_run_of_the_first_pass_is_not_repeated_by_who_asks_in_the_second() -> None:
    second_pass = datetime(2026, 10, 25, 2, 15, fold=1, tzinfo=ZoneInfo(BERLIN))
    run = next(Cron.read("30 2 * * *", BERLIN).runs(second_pass))
    assert run == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_with_a_star_the_clock_is_followed_through_both_passes() -> None:
    runs = local_runs("*/30 2 * * *", BERLIN, "2026-10-25T01:00", 5)
    twice = ["10-25 02:00 +0200", "10-25 02:30 +0200", "10-25 02:00 +0100", "10-25 02:30 +0100"]
    assert runs == [*twice, "10-26 02:00 +0100"]


def test_with_a_star_what_the_clocks_skip_is_skipped() -> None:
    runs = local_runs("*/30 1-3 * * *", BERLIN, "2026-03-29T01:15")
    assert runs == ["03-29 01:30 +0100", "03-29 03:00 +0200", "03-29 03:30 +0200"]


@pytest.mark.parametrize("after", ["2026-03-29T00:00", "2026-10-25T00:00"])
def test_every_quarter_hour_is_every_quarter_hour_through_a_change(after: str) -> None:
    begin = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(BERLIN))
    runs = list(islice(Cron.read("*/15 * * * *", BERLIN).runs(begin), 30))
    assert {(b - a).total_seconds() for a, b in pairwise(runs)} == {900}


@pytest.mark.parametrize(
    ("expression", "after", "runs"),
    [
        # 2026-10-04, 02:00 becomes 02:30
        ("15 2 * * *", "2026-10-03T12:00", ["10-04 02:30 +1100", "10-05 02:15 +1100"]),
        ("0 */3 * * *", "2026-10-04T00:30", ["10-04 03:00 +1100", "10-04 06:00 +1100"]),
        ("*/20 3 * * *", "2026-10-04T01:10", ["10-04 03:00 +1100", "10-04 03:20 +1100"]),
        # 2026-04-05, 02:00 becomes 01:30
        ("45 1 * * *", "2026-04-04T12:00", ["04-05 01:45 +1100", "04-06 01:45 +1030"]),
        ("0 */2 * * *", "2026-04-05T00:30", ["04-05 02:00 +1030", "04-05 04:00 +1030"]),
        ("*/15 1 * * *", "2026-04-05T01:40", ["04-05 01:45 +1100", "04-05 01:30 +1030"]),
    ],
)
def test_a_shift_of_half_an_hour_loses_and_doubles_nothing(
    expression: str, after: str, runs: list[str]
) -> None:
    assert local_runs(expression, LORD_HOWE, after, 2) == runs


def test_midnight_that_the_clocks_skip_runs_when_the_day_begins() -> None:
    runs = local_runs("0 0 * * *", "Africa/Cairo", "2026-04-23T12:00", 2)
    assert runs == ["04-24 01:00 +0300", "04-25 00:00 +0300"]


def test_runs_come_after_the_instant_and_not_at_it() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    cron = Cron.read("0 12 * * *", "UTC")
    assert next(cron.runs(noon)) == datetime(2026, 1, 2, 12, tzinfo=UTC)
    assert next(cron.runs(noon.replace(hour=11, minute=59, second=59, microsecond=9))) == noon


def test_day_of_month_and_weekday_are_read_as_by_cron() -> None:
    last_weekday = local_runs("0 18 LW * *", "UTC", "2026-01-01T00:00", 2)
    assert last_weekday == ["01-30 18:00 +0000", "02-27 18:00 +0000"]
    second_monday = local_runs("0 9 * * MON#2", "UTC", "2026-01-01T00:00", 2)
    assert second_monday == ["01-12 09:00 +0000", "02-09 09:00 +0000"]


@pytest.mark.parametrize(
    ("expression", "zone", "sentence"),
    [
        ("@daily", "UTC", "has not five fields: write minute, hour, day, month and weekday"),
        ("* * * * * *", "UTC", "has not five fields"),
        ("61 * * * *", "UTC", "bad minute; write"),
        ("0 25 * * *", "UTC", "bad hour"),
        ("0 0 31 2 *", "UTC", "bad day-of-month"),
        ("0 0 */20 2 1L", "UTC", "is never due"),
        ("0 0 * * *", "Europe/Berlim", 'is no IANA time zone: write "Europe/Berlin"'),
        ("0 0 * * *", "europe", "is no IANA time zone"),
        ("0 0 * * *", "../../etc/passwd", "is no IANA time zone"),
        ("0 0 * * *", "", "is no IANA time zone"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_write(
    expression: str, zone: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Cron.read(expression, zone)
