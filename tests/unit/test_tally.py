"""What a tally says of itself."""

from dataclasses import fields
from datetime import UTC, datetime

from rowbell.tally import Tally


def test_all_counters_are_told_by_name() -> None:
    assert set(Tally().as_json()) == {each.name for each in fields(Tally)}


def test_a_look_counts_once_and_its_tasks_by_what_led_to_it() -> None:
    tally = Tally()
    tally.looked(3, by_sweep=False)
    tally.looked(2, by_sweep=True)
    tally.looked(0, by_sweep=True)
    assert (tally.looks, tally.empty_looks, tally.tasks_claimed) == (3, 1, 5)
    assert (tally.tasks_answered, tally.tasks_swept) == (3, 2)


def test_a_connection_that_never_listened_is_no_loss() -> None:
    tally = Tally()
    tally.lost(is_deaf=True)
    assert (tally.listener_losses, tally.is_deaf) == (0, True)
    tally.listens()
    tally.lost(is_deaf=False)
    assert (tally.listener_losses, tally.is_listening, tally.is_deaf) == (1, False, False)


def test_instants_are_told_as_iso_8601() -> None:
    tally = Tally()
    tally.probed(0.002, datetime(2026, 1, 2, tzinfo=UTC))
    assert tally.as_json()["probed_at"] == "2026-01-02T00:00:00+00:00"
    assert (tally.probes, tally.probe_seconds) == (1, 0.002)
