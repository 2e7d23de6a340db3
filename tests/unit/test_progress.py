"""How far the work is, as handlers tell it."""

import pytest

from rowbell.db.tasks import as_progress


@pytest.mark.parametrize("fraction", [0, 0.25, 1])
def test_progress_is_kept_as_it_was_told(fraction: float) -> None:
    assert as_progress(fraction) == fraction


@pytest.mark.parametrize(("fraction", "meant"), [(-9.7e-12, 0), (sum([0.1] * 11) - 0.1, 1)])
def test_what_rounding_adds_to_progress_does_not_fail_a_task(fraction: float, meant: int) -> None:
    assert as_progress(fraction) == pytest.approx(meant)
    assert 0 <= as_progress(fraction) <= 1


@pytest.mark.parametrize("fraction", [-0.01, 1.01, float("nan"), float("inf")])
def test_progress_out_of_range_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="is not between 0 and 1"):
        as_progress(fraction)
