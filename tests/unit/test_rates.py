"""How many operations a minute, with a clock that the test moves."""

import pytest

from rowbell.api.limits import RateLimited
from rowbell.api.rates import Rates


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_is_full_at_first_and_fills_evenly() -> None:
    clock = Clock()
    rates = Rates(60, now=clock)
    for left in range(59, -1, -1):
        assert rates.spend("ann")["RateLimit"].startswith(f'"operations";r={left};')
    with pytest.raises(RateLimited) as refused:
        rates.spend("ann")
    assert refused.value.headers["Retry-After"] == "1"
    clock.now = 1.0
    rates.spend("ann")
    with pytest.raises(RateLimited):
        rates.spend("ann")


def test_subjects_do_not_pay_for_one_another() -> None:
    rates = Rates(1, now=Clock())
    rates.spend("ann")
    rates.spend("bob")
    with pytest.raises(RateLimited):
        rates.spend("ann")


def test_full_buckets_are_forgotten() -> None:
    clock = Clock()
    rates = Rates(60, now=clock)
    for number in range(100):
        rates.spend(str(number))
    clock.now = 60.0
    rates.spend("ann")
    assert len(rates) == 1


def test_no_rate_is_no_limit_and_no_header() -> None:
    assert Rates(0).spend("ann") == {}
