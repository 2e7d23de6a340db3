"""Values on their way in and out: what is refused is refused with a sentence."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest

from rowbell.api import cursors, scalars
from rowbell.api.negotiation import GRAPHQL, HTML, JSON, choose
from rowbell.db.lists import Place


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-21T19:02:41Z", datetime(2026, 11, 21, 19, 2, 41, tzinfo=UTC)),
        ("2026-11-21T19:02:41.5+02:00", datetime(2026, 11, 21, 17, 2, 41, 500_000, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_with_its_offset(text: str, instant: datetime) -> None:
    assert scalars.read_instant(text) == instant


@pytest.mark.parametrize(
    "value",
    [
        "", "now", "2026-11-21", "2026-11-21T19:02:41", "2026-02-30T00:00:00Z", 1763751761, None,
        "2026-11-21T25:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
        "infinity", "2026-11-21T19:02:41Z\0", "٢٠٢٦-11-21T19:02:41Z", ["2026-11-21T19:02:41Z"],
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused(value: object) -> None:
    with pytest.raises(scalars.BadValue):
        scalars.read_instant(value)


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    instant = datetime(2026, 11, 21, 21, 2, 41, 120_999, tzinfo=timezone(timedelta(hours=2)))
    assert scalars.write_instant(instant) == "2026-11-21T19:02:41.120Z"


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT0S", timedelta()),
        ("PT1H30M", timedelta(minutes=90)),
        ("P1W", timedelta(weeks=1)),
        ("P2DT0.25S", timedelta(days=2, milliseconds=250)),
    ],
)
def test_a_duration_is_read_from_weeks_to_seconds(text: str, duration: timedelta) -> None:
    assert scalars.read_duration(text) == duration


@pytest.mark.parametrize(
    "value", ["", "P", "PT", "P1DT", "1h", "P1Y", "P1M", "-PT1S", "PT1e9S", "P999999999W", 5, None]
)
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(scalars.BadValue):
        scalars.read_duration(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**63),
        2**64 - 1,
        1e308,
        "",
        "ü😀",
        [],
        {},
        {"a": [{"b": None}]},
        nested(200),
    ],
)
def test_json_is_read_as_it_is(value: object) -> None:
    assert scalars.read_json(value) is value


@pytest.mark.parametrize(
    "value",
    [
        math.nan, math.inf, -math.inf, 2**64, -(2**63) - 1, "\0", "a\0b", "\ud800", "x\udfff",
        {"\0": 1}, {"\ud800": 1}, {"a": ["\0"]}, [[[math.nan]]], nested(201), nested(100_000),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_json_that_cannot_be_kept_is_refused(value: object) -> None:
    with pytest.raises(scalars.BadValue):
        scalars.read_json(value)


def test_json_that_is_too_deep_to_be_written_costs_its_field_only() -> None:
    assert orjson.dumps({"a": scalars.write_json([1, {"b": None}])}) == b'{"a":[1,{"b":null}]}'
    with pytest.raises(Exception, match="nested too deeply"):
        scalars.write_json(nested(300))


PLACES = [
    Place(datetime(2026, 11, 21, 19, 2, 41, 120_007, tzinfo=UTC), 1),
    Place(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), 42),
    Place(datetime(2199, 1, 1, tzinfo=UTC), 2**63 - 1),
]


@pytest.mark.parametrize("place", PLACES)
def test_a_cursor_comes_back_as_the_place_that_it_was_made_of(place: Place) -> None:
    assert cursors.decode("tasks", cursors.encode("tasks", place)) == place


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "1",
        "x" * 10_000,
        "é",
        "\0",
        "dGFza3M6MQ",
        cursors.encode("attempts", PLACES[0]),
        "=",
        "====",
        "a",
    ],
)
def test_a_cursor_that_the_list_did_not_give_is_refused(cursor: str) -> None:
    with pytest.raises(cursors.BadCursor):
        cursors.decode("tasks", cursor)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", GRAPHQL),
        ("*/*", GRAPHQL),
        ("application/*", GRAPHQL),
        ("application/json", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/json, */*", JSON),
        ("application/json, application/graphql-response+json", GRAPHQL),
        ("application/json, application/graphql-response+json;q=0.5", JSON),
        ("application/graphql-response+json;q=0, */*", JSON),
        ("APPLICATION/JSON", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
        ("text/plain", None),
        ("*/*;q=0", None),
        ("application/json;q=nonsense", None),
    ],
)
def test_the_form_of_an_answer_is_the_one_that_the_client_would_rather_have(
    accept: str, form: str | None
) -> None:
    assert choose(accept, (GRAPHQL, JSON, HTML)) == form
