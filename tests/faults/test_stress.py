"""No row waits for a sweep, whatever the writers do (the long form: python -m faults.stress)."""

import random

import pytest

from faults.stress import LATE_SECONDS, Stress


@pytest.mark.parametrize("server", ["packaged"], indirect=True)
@pytest.mark.parametrize("workers", [1, 2, 8])
async def test_rows_of_restless_writers_run_at_once_without_a_sweep(
    database_url: str, workers: int
) -> None:
    run = Stress(database_url, writers=8, workers=workers, seconds=2, dice=random.Random(7))
    await run.run()
    assert len(run.committed) > 20
    assert run.missing == set()
    assert run.swept == []
    assert run.slowest < LATE_SECONDS
