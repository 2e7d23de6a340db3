"""Slots: never more than there are, and fair between dispatchers."""

import asyncio

import pytest

from rowbell.engine.slots import Slots


async def test_reserve_takes_all_that_are_free() -> None:
    slots = Slots(3)
    assert (await slots.reserve(), slots.free, slots.busy) == (3, 0, 3)


async def test_reserve_waits_for_a_release() -> None:
    slots = Slots(1)
    await slots.reserve()
    waiting = asyncio.create_task(slots.reserve())
    await asyncio.sleep(0)
    assert not waiting.done()
    slots.release()
    assert await waiting == 1


async def test_whoever_waits_longest_is_served_first() -> None:
    slots = Slots(1)
    await slots.reserve()
    served: list[str] = []

    async def dispatcher(name: str) -> None:
        taken = await slots.reserve()
        served.append(name)
        slots.release(taken)

    async with asyncio.TaskGroup() as group:
        for name in ("first", "second", "third"):
            group.create_task(dispatcher(name))
        await asyncio.sleep(0)
        slots.release()
    assert served == ["first", "second", "third"]


async def test_cancelled_waiter_passes_its_turn_on() -> None:
    slots = Slots(1)
    await slots.reserve()
    first, second = (asyncio.create_task(slots.reserve()) for _ in range(2))
    await asyncio.sleep(0)
    slots.release()
    first.cancel()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first
