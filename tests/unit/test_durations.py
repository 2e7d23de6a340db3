"""Durations and instants as people type and read them."""

from datetime import UTC, datetime, timedelta

import pytest

from rowbell.cli.durations import age, as_iso, in_words, read_duration, read_instant
from rowbell.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300),
        ("1h30m", 5_400),
        ("90s", 90),
        ("1.5h", 5_400),
        ("2d", 172_800),
        ("1w", 604_800),
        ("250ms", 0.25),
        ("1m500ms", 60.5),
        ("0s", 0),
        ("PT5M", 300),
        ("P1DT2H", 93_600),
        ("P2W", 1_209_600),
        ("PT0.5S", 0.5),
    ],
)
def test_a_duration_is_read_as_people_and_iso_8601_write_it(text: str, seconds: float) -> None:
    assert read_duration(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "m",
        "P",
        "PT",
        "P1M",
        "-5m",
        "5 m",
        "30m1h",
        "5mm",
        "1e3s",
        "\N{FULLWIDTH DIGIT NINE}s",
        "999999999w",
    ],
)
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        read_duration(text)
    assert "PT5M" in refused.value.hint


@pytest.mark.parametrize(
    ("seconds", "text"), [(300, "PT300S"), (0.25, "PT0.25S"), (0, "PT0S"), (100, "PT100S")]
)
def test_a_duration_is_written_so_that_it_can_be_read_again(seconds: float, text: str) -> None:
    written = as_iso(timedelta(seconds=seconds))
    assert written == text
    assert read_duration(written).total_seconds() == seconds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.065, "65ms"),
        (2.5, "2.5s"),
        (90, "1m 30s"),
        (3_600, "1h"),
        (5_400, "1h 30m"),
        (90_061, "1d 1h"),
        (86_460, "1d"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words


def test_an_age_never_is_negative_though_the_clocks_of_two_machines_differ() -> None:
    assert age(datetime.now(UTC) + timedelta(seconds=30)) == "0s"
    assert age(datetime.now(UTC) - timedelta(hours=2, minutes=59)) == "2h"


def test_an_instant_without_an_offset_is_local_time() -> None:
    assert read_instant("2026-01-02T03:04") == datetime(2026, 1, 2, 3, 4).astimezone()
    assert read_instant("2026-01-02T03:04Z") == datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize("text", ["tomorrow", "", "2026-13-01", "0001-01-01T00:00+23:59"])
def test_what_is_no_instant_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidArgument, match="is no instant"):
        read_instant(text)
