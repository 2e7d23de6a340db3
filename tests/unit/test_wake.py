"""The flag that a dispatcher waits for."""

import asyncio

import pytest

from rowbell.engine.wake import Wake

from deadline import DEADLINE_SECONDS


async def test_who_waits_is_woken_before_the_time_is_over() -> None:
    wake = Wake()
    waiting = asyncio.create_task(wake.within(DEADLINE_SECONDS * 10))
    await asyncio.sleep(0)
    wake.set()
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await waiting


async def test_what_was_set_before_is_not_waited_for() -> None:
    wake = Wake()
    wake.set()
    assert await wake.within(DEADLINE_SECONDS * 10)
    await wake.wait()


async def test_time_is_over_although_nothing_was_set() -> None:
    assert not await Wake().within(0.001)


async def test_after_a_wait_that_was_given_up_it_wakes_the_next_one() -> None:
    wake = Wake()
    waiting = asyncio.create_task(wake.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    wake.set()
    wake.clear()
    assert not await wake.within(0.001)
    wake.set()
    assert await wake.within(DEADLINE_SECONDS * 10)
